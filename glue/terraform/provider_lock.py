"""Terraform's lock file of providers, and whether a mirror holds what it names.

Source: https://developer.hashicorp.com/terraform/language/files/dependency-lock. A hash `zh:` is the sha256 of a
published zip archive; `h1:` is Go's directory hash of the unpacked package
(https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1).
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glue.files import sha256_of

LOCK_FILE = ".terraform.lock.hcl"
_PROVIDER = re.compile(r'^provider "([^"]+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL)
_VERSION = re.compile(r'^\s*version\s*=\s*"([^"]+)"', re.MULTILINE)
_HASH = re.compile(r'"((?:h1|zh):[^"]+)"')


@dataclass(frozen=True)
class LockedProvider:
    """A provider as the lock file names it: `source` is `<host>/<namespace>/<type>`."""

    source: str
    version: str
    hashes: frozenset[str]


def read_lock(folder: Path) -> tuple[LockedProvider, ...]:
    """The providers that the lock file of the root module `folder` names; none without such a file."""
    try:
        text = (folder / LOCK_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    return tuple(_providers(text))


def lacking(mirror: Path, providers: tuple[LockedProvider, ...], platform: str) -> str | None:
    """Why `mirror`, packed or unpacked, cannot serve all of `providers` to `platform`; None when it can.

    Args:
        platform: such as `linux_amd64`.
    """
    return next((reason for one in providers if (reason := _lacking(mirror, one, platform))), None)


def package_hash(package: Path) -> str:
    """The hash of a package: of a zip archive (`zh:`), or of a folder (`h1:`)."""
    if package.is_file():
        return f"zh:{sha256_of(package)}"
    files = sorted((file.relative_to(package).as_posix(), file) for file in package.rglob("*") if file.is_file())
    listing = "".join(f"{sha256_of(file)}  {name}\n" for name, file in files)
    return f"h1:{base64.b64encode(hashlib.sha256(listing.encode()).digest()).decode()}"


def _providers(text: str) -> Iterator[LockedProvider]:
    for source, body in _PROVIDER.findall(text):
        version = _VERSION.search(body)
        if version:
            yield LockedProvider(source, version.group(1), frozenset(_HASH.findall(body)))


def _lacking(mirror: Path, provider: LockedProvider, platform: str) -> str | None:
    folder = mirror / provider.source
    name = provider.source.rpartition("/")[2]
    packed = folder / f"terraform-provider-{name}_{provider.version}_{platform}.zip"
    found = [package for package in (packed, folder / provider.version / platform) if package.exists()]
    if not found:
        return f"{mirror} holds no {provider.source} {provider.version} for {platform}"
    hashes = {package: package_hash(package) for package in found}
    if not provider.hashes.isdisjoint(hashes.values()):
        return None
    package, actual = next(iter(hashes.items()))
    return f"{package} is another build of {provider.source} {provider.version} than {LOCK_FILE} names: {actual}"
