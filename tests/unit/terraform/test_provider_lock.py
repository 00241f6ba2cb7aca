"""A mirror serves a machine when it holds the very build that the lock file names."""

import zipfile
from pathlib import Path

import pytest

from glue.terraform.provider_lock import LOCK_FILE, LockedProvider, lacking, package_hash, read_lock
from tests.conftest import ROOT

SOURCE = "registry.terraform.io/hashicorp/aws"
PLATFORM = "linux_amd64"


def unpacked(mirror: Path, *, content: bytes = b"program", version: str = "5.100.0") -> Path:
    package = mirror / SOURCE / version / PLATFORM
    package.mkdir(parents=True)
    (package / f"terraform-provider-aws_v{version}_x5").write_bytes(content)
    (package / "LICENSE.txt").write_text("terms\n")
    return package


def packed(mirror: Path) -> Path:
    archive = mirror / SOURCE / f"terraform-provider-aws_5.100.0_{PLATFORM}.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("terraform-provider-aws_v5.100.0_x5", b"program")
    return archive


def locked(*hashes: str) -> tuple[LockedProvider, ...]:
    return (LockedProvider(SOURCE, "5.100.0", frozenset(hashes)),)


def test_the_hash_of_a_folder_is_go_s_directory_hash(tmp_path: Path) -> None:
    # By hand: printf 'one\n' > a; mkdir b; printf 'two\n' > b/c; sha256sum a b/c | sha256sum | xxd -r -p | base64
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("one\n")
    (tmp_path / "b" / "c").write_text("two\n")
    assert package_hash(tmp_path) == "h1:lgfg06jx0zM/ME1yC5BXyMmwxfZnFfCAirwWds2B4xE="


@pytest.mark.parametrize("layout", [unpacked, packed])
def test_a_mirror_with_the_locked_build_lacks_nothing(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    package = layout(tmp_path)
    assert lacking(tmp_path, locked("zh:other", package_hash(package)), PLATFORM) is None


@pytest.mark.parametrize("layout", [unpacked, packed])
def test_another_build_is_named_with_its_place_and_hash(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    package = layout(tmp_path)
    reason = lacking(tmp_path, locked("h1:other", "zh:other"), PLATFORM)
    assert reason is not None
    assert f"{package} is another build of {SOURCE} 5.100.0" in reason
    assert package_hash(package) in reason


def test_another_version_or_platform_is_missing(tmp_path: Path) -> None:
    unpacked(tmp_path, version="5.99.1")
    assert lacking(tmp_path, locked("h1:any"), PLATFORM) == f"{tmp_path} holds no {SOURCE} 5.100.0 for {PLATFORM}"
    package = unpacked(tmp_path)
    reason = lacking(tmp_path, locked(package_hash(package)), "darwin_arm64")
    assert reason == f"{tmp_path} holds no {SOURCE} 5.100.0 for darwin_arm64"


def test_without_a_lock_file_nothing_is_locked(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == ()


def test_both_roots_lock_the_same_one_provider() -> None:
    texts = {(ROOT / "terraform" / layer / LOCK_FILE).read_bytes() for layer in ("registry", "platform")}
    assert len(texts) == 1
    [provider] = read_lock(ROOT / "terraform" / "platform")
    assert (provider.source, provider.version) == (SOURCE, "5.100.0")
    kinds = [one.split(":")[0] for one in provider.hashes]
    # An archive and a folder for each of the 14 platforms, and the registry's manifest.
    assert (kinds.count("zh"), kinds.count("h1")) == (15, 14)
