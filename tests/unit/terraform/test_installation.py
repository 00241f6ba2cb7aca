"""Terraform is installed only when it is what the site's published checksum says."""

import hashlib
import io
import os
import platform
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glue.doctor import repair
from glue.errors import FailedError, MissingError, UsageError
from glue.progress import Silent
from glue.project import Project
from glue.terraform.installation import SITE_SETTING, VERSION, install_terraform
from glue.terraform.mirrors import MIRROR_SETTING
from glue.terraform.toolchain import find_terraform

MACHINE = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
ARCHIVE = f"terraform_{VERSION}_{platform.system().lower()}_{MACHINE}.zip"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a stand-in for the download site, with a program that prints its name."""
    folder = tmp_path / "site" / "terraform" / VERSION
    folder.mkdir(parents=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("terraform", "#!/bin/sh\necho installed\n")
        archive.writestr("LICENSE.txt", "text")
    (folder / ARCHIVE).write_bytes(content.getvalue())
    (folder / f"terraform_{VERSION}_SHA256SUMS").write_text(
        f"{'0' * 64}  terraform_{VERSION}_other.zip\n{hashlib.sha256(content.getvalue()).hexdigest()}  {ARCHIVE}\n"
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    monkeypatch.setenv(SITE_SETTING, f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("PATH", "/nowhere")
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_program_is_installed_and_found(site: Path, project: Project) -> None:
    assert find_terraform(project) is None
    installed = install_terraform(project, Silent())
    assert (
        subprocess.run([installed], capture_output=True, check=True, env=os.environ | {"PATH": "/bin"}).stdout
        == b"installed\n"
    )
    assert find_terraform(project) == installed
    assert sorted(file.name for file in project.tools_dir.iterdir()) == ["terraform"]


def test_set_up_brings_the_program_when_there_is_none(
    site: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "container").unlink()  # no workloads to prepare
    monkeypatch.setenv(MIRROR_SETTING, str(tmp_path))
    repair(project, Silent())
    assert find_terraform(project) == project.tools_dir / "terraform"


def test_an_archive_with_another_checksum_is_not_installed(site: Path, project: Project) -> None:
    with (site / ARCHIVE).open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(FailedError, match="not installed"):
        install_terraform(project, Silent())
    assert find_terraform(project) is None


def test_an_archive_that_the_site_names_no_checksum_of_is_not_installed(site: Path, project: Project) -> None:
    (site / f"terraform_{VERSION}_SHA256SUMS").write_text("")
    with pytest.raises(FailedError, match="names no checksum"):
        install_terraform(project, Silent())


def test_a_site_without_the_version_is_named(site: Path, project: Project) -> None:
    (site / f"terraform_{VERSION}_SHA256SUMS").unlink()
    with pytest.raises(MissingError, match="404"):
        install_terraform(project, Silent())


@pytest.mark.parametrize("address", ["http://example.com", "file:///tmp", "ftp://127.0.0.1"])
def test_a_site_without_tls_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(SITE_SETTING, address)
    with pytest.raises(UsageError, match="https"):
        install_terraform(project, Silent())
