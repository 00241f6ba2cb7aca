"""Where a container's server listens, from the kernel's tables of sockets (`proc(5)`, /proc/net/tcp). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LISTEN = "0A"


@dataclass(frozen=True, order=True)
class Listening:
    """A port that is listened on; `loopback`: by an address that nobody outside of the container reaches."""

    port: int
    loopback: bool


def listening(tables: Mapping[str, str]) -> set[Listening]:
    """The listening sockets in `tables` (the texts of `tcp` and `tcp6`)."""
    return {found for name, text in tables.items() for found in _rows(text, six=name.endswith("6"))}


def _rows(text: str, *, six: bool) -> Iterator[Listening]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 4 or fields[3] != _LISTEN:
            continue
        address, _, port = fields[1].rpartition(":")
        yield Listening(int(port, 16), _is_loopback(address, six=six))


def _is_loopback(address: str, *, six: bool) -> bool:
    # Each 32-bit word is printed in the machine's order: 127.0.0.1 is 0100007F on the processors that there are.
    if not six:
        return address.endswith("7F")
    return address == f"{'0' * 24}01000000" or (address.startswith(f"{'0' * 16}FFFF0000") and address.endswith("7F"))
