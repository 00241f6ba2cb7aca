"""A pinned Terraform, brought into the project's own tool folder.

Source: https://developer.hashicorp.com/terraform/install; archives and their checksums are published side by side.
"""

import hashlib
import os
import platform
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from glue.errors import FailedError, MissingError, UsageError
from glue.progress import Reporter
from glue.project import Project

VERSION = "1.11.4"
SITE_SETTING = "GLUE_TERRAFORM_SITE"
_SITE = "https://releases.hashicorp.com"
_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def install_terraform(project: Project, reporter: Reporter) -> Path:
    """Download Terraform, check it against the published sum and put it into `project.tools_dir`.

    Raises:
        UsageError: the setting `GLUE_TERRAFORM_SITE` is not an https address (or one of this machine).
        MissingError: the site does not answer, or has no build for this machine.
        FailedError: the archive is not what the published checksum says.
    """
    site = _site()
    archive = f"terraform_{VERSION}_{platform_name()}.zip"
    folder = f"{site}/terraform/{VERSION}"
    reporter.step(f"downloading Terraform {VERSION}")
    expected = _published_sum(f"{folder}/terraform_{VERSION}_SHA256SUMS", archive)
    project.tools_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.tools_dir) as temporary:
        file = Path(temporary) / archive
        actual = _download(f"{folder}/{archive}", file, reporter)
        if actual != expected:
            raise FailedError(f"{folder}/{archive}: sha256 is {actual}, published is {expected}: not installed")
        with zipfile.ZipFile(file) as content:
            program = Path(content.extract("terraform", temporary))
        program.chmod(0o755)
        installed = project.tools_dir / "terraform"
        program.replace(installed)
    reporter.note(f"installed {installed}")
    return installed


def _site() -> str:
    site = os.environ.get(SITE_SETTING, _SITE).rstrip("/")
    parts = urlsplit(site)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}):
        raise UsageError(f"{SITE_SETTING}={site}: allowed is an https:// address")
    return site


def platform_name() -> str:
    """This machine as HashiCorp names builds, such as `linux_amd64`.

    Raises:
        MissingError: there are no builds for it.
    """
    system, machine = platform.system().lower(), platform.machine().lower()
    if system not in {"linux", "darwin"} or machine not in _MACHINES:
        raise MissingError(f"no Terraform build is known for {system} on {machine}", hints=["install it by hand"])
    return f"{system}_{_MACHINES[machine]}"


def _published_sum(url: str, archive: str) -> str:
    for line in b"".join(_read(url)).decode("ascii", "replace").splitlines():
        checksum, _, name = line.partition("  ")
        if name == archive:
            return checksum
    raise FailedError(f"{url}: names no checksum of {archive}")


def _download(url: str, file: Path, reporter: Reporter) -> str:
    digest = hashlib.sha256()
    megabytes = 0.0
    with file.open("wb") as stream:
        for chunk in _read(url):
            stream.write(chunk)
            digest.update(chunk)
            megabytes += len(chunk) / 1e6
            reporter.progress("downloaded (MB)", round(megabytes), None)
    return digest.hexdigest()


def _read(url: str) -> Iterator[bytes]:
    try:
        with urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme is checked in `_site`
            while chunk := answer.read(_CHUNK_BYTES):
                yield chunk
    except (URLError, OSError) as error:
        raise MissingError(
            f"{url}: {error}",
            hints=["install Terraform 1.11 or OpenTofu 1.10 (or newer) by hand and run the command again"],
        ) from error
