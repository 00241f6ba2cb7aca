"""Packages of Lambda functions: the same bytes everywhere, and nothing but the code."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.functions import archive, package
from glue.project import Project
from tests.conftest import ROOT


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "function"
    (source / "trigger").mkdir(parents=True)
    (source / "trigger" / "__init__.py").write_text("")
    (source / "trigger" / "handler.py").write_text("def handle(event, context):\n    return event\n")
    return source


def test_the_bytes_depend_on_the_code_alone(source: Path) -> None:
    first = archive(source)
    handler = source / "trigger" / "handler.py"
    os.utime(handler, (0, 0))
    handler.chmod(0o600)
    (source / "trigger" / "__pycache__").mkdir()
    (source / "trigger" / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"compiled")
    (source / "notes.txt").write_text("not code")
    assert archive(source) == first
    handler.write_text("def handle(event, context):\n    return None\n")
    assert archive(source) != first


def test_the_archive_of_known_code_is_known(source: Path) -> None:
    """A Python that writes another archive is noticed here: it would change every function in every environment."""
    made = package_of(source)
    assert made == "C4BgSHQ8+xaFfZu9yEwhsg/uMpGbXVp+UXb//HT472A="


def package_of(source: Path) -> str:
    root = source.parent / "project"
    (root / "modules").mkdir(parents=True)
    (root / "modules" / "trigger").symlink_to(source.parent)
    return package(Project(root), "trigger").source_code_hash


def test_lambda_can_import_what_is_packed(source: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive(source))) as packed:
        assert packed.namelist() == ["trigger/__init__.py", "trigger/handler.py"]
        assert packed.testzip() is None
        assert {info.external_attr >> 16 for info in packed.infolist()} == {0o100644}


def test_a_folder_without_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Python module"):
        archive(tmp_path)


def test_terraform_finds_the_package_from_the_folder_of_a_root_module() -> None:
    made = package(Project(ROOT), "upload_trigger")
    made.write()
    assert (ROOT / "terraform" / "platform" / made.path).read_bytes() == made.content
    assert made.variables() == {"file": made.path, "source_code_hash": made.source_code_hash}
