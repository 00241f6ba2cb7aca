from glue.imagechecks.sockets import Listening, listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def _row(address: str, state: str = "0A") -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0\n"


def test_a_server_on_every_address_is_told_from_one_on_loopback() -> None:
    table = HEAD + _row("00000000:1F90") + _row("0100007F:1388")
    assert listening({"tcp": table}) == {Listening(8080, loopback=False), Listening(5000, loopback=True)}


def test_connections_are_not_listening_sockets() -> None:
    assert listening({"tcp": HEAD + _row("00000000:1F90", state="01"), "tcp6": ""}) == set()


def test_ipv6_addresses_are_understood() -> None:
    table = (
        HEAD + _row(f"{'0' * 32}:1F90") + _row(f"{'0' * 24}01000000:1F91") + _row(f"{'0' * 16}FFFF00000100007F:1F92")
    )
    assert listening({"tcp6": table}) == {
        Listening(8080, loopback=False),
        Listening(8081, loopback=True),
        Listening(8082, loopback=True),
    }
