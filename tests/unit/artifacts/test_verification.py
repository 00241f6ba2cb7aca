"""Artifacts that would not load are refused before they are pushed, each with its cause."""

import hashlib
import io
import os
import pickle
import re
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from glue.archives import ArchiveWriter
from glue.artifacts import Interpreter, inspect, verify
from glue.errors import FailedError
from glue.progress import Silent
from glue.workloads.requirements import Requirements

ROOT = Path(__file__).resolve().parents[3]
SERVING = ROOT / "container" / "serving"
HANDLER = "code/inference.py"
GOOD = "def model_fn(model_dir):\n    return 1\n\n\ndef predict_fn(data, model):\n    return data\n"
LISTING = '{"schema_version": 1, "workload": "detector", "workload_version": "1.0.0", "files": [%s]}'
LOCK = Requirements("requirements.lock", frozenset({"opencv-python-headless", "absent-distribution"}), complete=True)


def _write(file: Path, files: Mapping[str, str | bytes]) -> Path:
    with file.open("wb") as out, ArchiveWriter(out) as archive:
        for path, content in files.items():
            archive.add(path, content.encode() if isinstance(content, str) else content)
    return file


def _raising(line: str) -> str:
    return f"import os, signal, sys, threading\n\n{line}\n{GOOD}"


BROKEN: dict[str, tuple[Mapping[str, str | bytes], str]] = {
    "no handler": ({"config.json": "{}"}, r"code/inference\.py is missing: SageMaker would fall back"),
    "handler at the top": ({"inference.py": GOOD}, r"is missing; a file of that name lies at inference\.py"),
    "handler too deep": (
        {"model/code/inference.py": GOOD},
        r"is missing; a file of that name lies at model/code/inference\.py",
    ),
    "handler is a folder": ({f"{HANDLER}/x.py": GOOD}, r"code/inference\.py is missing"),
    "syntax error": ({HANDLER: "x = 1\ndef model_fn(:\n"}, r"code/inference\.py:2: not Python: "),
    "null bytes": ({HANDLER: b"x = 1\n\0"}, r"code/inference\.py(:1)?: not Python"),
    "not Python": ({HANDLER: b"\x80\x04\x95\xff"}, r"code/inference\.py(:1)?: not Python"),
    "syntax error in a module of its own": (
        {HANDLER: f"import parts\n{GOOD}", "code/parts.py": "\n\nreturn return\n"},
        r"code/parts\.py:3: not Python",
    ),
    "module that nobody declares": (
        {HANDLER: f"import absent_module\n{GOOD}"},
        r"code/inference\.py:1: cannot be imported: ModuleNotFoundError: No module named 'absent_module' \(nothing",
    ),
    "missing part of a package": (
        {HANDLER: f"import json.nothing\n{GOOD}"},
        r"code/inference\.py:1: cannot be imported: ModuleNotFoundError",
    ),
    "name that is not there": (
        {HANDLER: f"\nfrom json import nothing\n{GOOD}"},
        r"code/inference\.py:2: cannot be imported: ImportError: cannot import name 'nothing'",
    ),
    "missing module of its own": (
        {HANDLER: f"import package.parts\n{GOOD}", "code/package/__init__.py": ""},
        r"code/inference\.py:1: cannot be imported: ModuleNotFoundError: No module named 'package\.parts'",
    ),
    "relative import": (
        {HANDLER: f"from . import parts\n{GOOD}", "code/parts.py": ""},
        r"code/inference\.py:1: cannot be imported: ImportError",
    ),
    "exception": (
        {HANDLER: f"import parts\n{GOOD}", "code/parts.py": "def load():\n    raise ValueError('bad')\n\n\nload()\n"},
        r"code/parts\.py:2: cannot be imported: ValueError: bad\nTraceback(.|\n)*code/inference\.py\", line 1",
    ),
    "exit": ({HANDLER: _raising("sys.exit(3)")}, r"code/inference\.py:3: cannot be imported: SystemExit: 3"),
    "hard exit": (
        {HANDLER: _raising("print('last words', flush=True); os._exit(7)")},
        r"its import ended its process with exit code 7; its last output:\nlast words",
    ),
    "killed": ({HANDLER: _raising("os.kill(os.getpid(), 11)")}, "its import killed its process with SIGSEGV"),
    "never ends": ({HANDLER: _raising("threading.Event().wait()")}, r"its import took longer than 2 s"),
    "no functions": ({HANDLER: "x = 1\n"}, "model_fn and predict_fn .or transform_fn. missing"),
    "no model_fn": ({HANDLER: "def predict_fn(data, model):\n    return data\n"}, "model_fn missing"),
    "no predict_fn": ({HANDLER: "def model_fn(model_dir):\n    return 1\n"}, r"predict_fn \(or transform_fn\) missing"),
    "wrong arguments": (
        {HANDLER: f"{GOOD}\n\ndef model_fn():\n    return 1\n"},
        r"model_fn in code/inference\.py takes",
    ),
    "no listing": ({HANDLER: GOOD, "artifact-manifest.json": "[]"}, r"artifact-manifest\.json: "),
    "file that the listing lacks": (
        {HANDLER: GOOD, "artifact-manifest.json": LISTING % ""},
        r"code/inference\.py: in the archive, and not listed",
    ),
    "file that only the listing has": (
        {
            HANDLER: GOOD,
            "artifact-manifest.json": LISTING % f'{{"path": "weights.bin", "size": 1, "sha256": "{"0" * 64}"}}',
        },
        r"weights\.bin: listed, and not in the archive",
    ),
    "file that was changed": (
        {
            HANDLER: GOOD,
            "artifact-manifest.json": LISTING % f'{{"path": "{HANDLER}", "size": 1, "sha256": "{"0" * 64}"}}',
        },
        r"code/inference\.py: \d+ bytes with sha256 [0-9a-f]{12}…, listed are 1 with 000000000000…",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_artifact_is_refused_with_its_cause(name: str, tmp_path: Path) -> None:
    files, message = BROKEN[name]
    archive = _write(tmp_path / "model.tar.gz", files)
    with pytest.raises(FailedError, match=message) as caught:
        verify(archive, Interpreter(SERVING, timeout=2 if name == "never ends" else 120), Silent())
    assert caught.value.message.startswith(f"{archive}: ")
    assert "/glue-artifact-" not in caught.value.message, "no path of a temporary folder means anything to the user"


def test_an_unsafe_archive_is_refused_before_anything_of_it_runs(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    marker = tmp_path / "ran"
    with tarfile.open(archive, "w:gz") as tar:
        content = f"open({str(marker)!r}, 'w')\n{GOOD}".encode()
        info = tarfile.TarInfo(HANDLER)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("weights.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(FailedError, match=r"'weights\.bin': a symbolic link"):
        verify(archive, Interpreter(SERVING), Silent())
    assert not marker.exists()


def test_a_sound_artifact_is_described(tmp_path: Path) -> None:
    archive = _write(tmp_path / "model.tar.gz", {HANDLER: GOOD, "config.json": "{}"})
    found = verify(archive, Interpreter(SERVING), Silent())
    assert found.functions == ("model_fn", "predict_fn")
    assert [entry.path for entry in found.manifest] == [HANDLER, "config.json"]
    assert (found.size, found.listing, found.warnings) == (archive.stat().st_size, None, ())


def test_transform_fn_does_in_place_of_predict_fn(tmp_path: Path) -> None:
    handler = (
        "def model_fn(model_dir):\n    return 1\n\n\ndef transform_fn(model, body, kind, accept):\n    return body\n"
    )
    archive = _write(tmp_path / "model.tar.gz", {HANDLER: handler})
    assert verify(archive, Interpreter(SERVING), Silent()).functions == ("model_fn", "transform_fn")


def test_the_handler_is_imported_as_the_server_does_and_in_no_process_of_ours(tmp_path: Path) -> None:
    handler = (
        "import os, sys, parts, beside\n"
        "assert open('config.json').read() == '{}'\n"
        "assert 'HYPOTHESIS' not in os.environ and 'AWS_SECRET_ACCESS_KEY' not in os.environ\n"
        f"assert os.getpid() != {os.getpid()}\n"
        "print('noise')\n"
        f"{GOOD}"
    )
    files = {HANDLER: handler, "code/parts.py": "", "beside.py": "", "config.json": "{}"}
    archive = _write(tmp_path / "model.tar.gz", files)
    os.environ["AWS_SECRET_ACCESS_KEY"] = "secret"
    try:
        verify(archive, Interpreter(SERVING), Silent())
    finally:
        del os.environ["AWS_SECRET_ACCESS_KEY"]
    assert "parts" not in sys.modules


def _packed_for(tmp_path: Path, handler: str) -> Path:
    """An archive that carries a correct listing."""
    out = tmp_path / "model.tar.gz"
    with out.open("wb") as stream, ArchiveWriter(stream) as archive:
        entry = archive.add(HANDLER, handler.encode())
        archive.add("artifact-manifest.json", (LISTING % entry.model_dump_json()).encode())
    return out


def test_a_declared_module_that_is_not_installed_here_is_a_warning(tmp_path: Path) -> None:
    archive = _packed_for(tmp_path, f"import json\nimport absent_distribution\n{GOOD}")
    found = verify(archive, Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)
    assert found.functions == ("model_fn", "predict_fn")
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("code/inference.py:2: absent_distribution is declared in requirements.lock")
    assert found.warnings[0].endswith("not installed here: the handler was read, not imported")


def test_without_importing_missing_functions_are_found_all_the_same(tmp_path: Path) -> None:
    archive = _packed_for(tmp_path, "import absent_distribution\n\n\ndef model_fn(model_dir):\n    return 1\n")
    found = r"functions found in code/inference\.py: model_fn"
    with pytest.raises(FailedError, match=rf"predict_fn \(or transform_fn\) missing; {found}"):
        verify(archive, Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)


def test_without_importing_functions_that_exclude_each_other_are_found_all_the_same(tmp_path: Path) -> None:
    both = f"import absent_distribution\n{GOOD}\n\ndef transform_fn(model, body, kind, accept): ...\n"
    with pytest.raises(FailedError, match="has transform_fn and also predict_fn, which it replaces"):
        verify(_packed_for(tmp_path, both), Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)


def test_without_importing_names_that_come_from_elsewhere_are_left_open(tmp_path: Path) -> None:
    archive = _packed_for(tmp_path, "from absent_distribution import *\n")
    found = verify(archive, Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)
    assert (found.functions, len(found.warnings)) == ((), 1)


@pytest.mark.parametrize("module", ["pytest", "absent_module"])
def test_a_module_that_the_image_will_not_have_is_refused_though_it_may_be_installed_here(
    module: str, tmp_path: Path
) -> None:
    archive = _packed_for(tmp_path, f"def model_fn(model_dir):\n    import {module}\n\n\ndef predict_fn(a, b): ...\n")
    with pytest.raises(FailedError, match=rf"code/inference\.py:2: imports {module}: .*requirements\.lock declare"):
        verify(archive, Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)


def test_modules_are_known_by_the_distribution_that_brings_them(tmp_path: Path) -> None:
    optional = "try:\n    import absent_module\nexcept ImportError:\n    absent_module = None\n"
    archive = _packed_for(tmp_path, f"import cv2\nfrom serving.errors import BadRequest\n{optional}{GOOD}")
    found = verify(archive, Interpreter(SERVING), Silent(), requirements_of={"detector": LOCK}.get)
    assert found.functions == ("model_fn", "predict_fn")


def test_an_archive_from_elsewhere_declares_in_its_own_requirements(tmp_path: Path) -> None:
    files = {HANDLER: f"import absent_module\nimport pytest\n{GOOD}", "code/requirements.txt": "absent-module>=1\n"}
    found = verify(_write(tmp_path / "model.tar.gz", files), Interpreter(SERVING), Silent())
    assert "declared in code/requirements.txt" in found.warnings[0]


def test_an_interpreter_that_is_none_is_named(tmp_path: Path) -> None:
    archive = _write(tmp_path / "model.tar.gz", {HANDLER: GOOD})
    with pytest.raises(FailedError, match="/no/python: cannot be started: No such file"):
        verify(archive, Interpreter(SERVING, python="/no/python"), Silent())


def test_an_archive_from_elsewhere_is_inspected_without_a_byte_written_or_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _write(
        tmp_path / "model.tar.gz",
        {HANDLER: _raising(f"open({str(tmp_path / 'ran')!r}, 'w')"), "weights.pkl": pickle.dumps(os.system)},
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    found = inspect(file, Silent())
    assert [entry.path for entry in found.manifest] == [HANDLER, "weights.pkl"]
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(found.risks) == 1
    assert re.match(r"weights\.pkl: a pickle: .*(posix|nt)\.system", found.risks[0])
    assert list(tmp_path.iterdir()) == [file]


def test_an_archive_without_a_handler_is_refused_by_inspection(tmp_path: Path) -> None:
    file = _write(tmp_path / "model.tar.gz", {"inference.py": GOOD})
    with pytest.raises(FailedError, match=r"is missing; a file of that name lies at inference\.py"):
        inspect(file, Silent())


def test_pickles_in_an_artifact_are_listed_as_risks(tmp_path: Path) -> None:
    file = _write(tmp_path / "model.tar.gz", {HANDLER: GOOD, "weights.bin": pickle.dumps(os.system)})
    found = verify(file, Interpreter(SERVING), Silent())
    assert [risk.partition(":")[0] for risk in found.risks] == ["weights.bin"]
