import pytest

from glue.signatures import SIGNATURES, recognise

LINES = {
    "default-pytorch-handler": "ValueError: Exactly one .pth or .pt file is required for PyTorch models: []",
    "handler-missing": "serve: the handler inference.py is missing; searched: /opt/ml/model/code",
    "handler-incomplete": "serve: the handler is incomplete: model_fn missing; functions found in x: none",
    "module-missing": "ModuleNotFoundError: No module named 'flask'",
    "import-error": "ImportError: cannot import name 'a' from 'b'",
    "read-only-model": "OSError: [Errno 30] Read-only file system: '/opt/ml/model/cache'",
    "worker-died": '{"time": "…", "level": "error", "event": "worker_exited", "worker": 7}',
    "out-of-memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "no-gpu": "RuntimeError: Found no NVIDIA driver on your system.",
    "port-taken": "OSError: [Errno 98] Address already in use",
    "no-space": "OSError: [Errno 28] No space left on device",
    "wrong-architecture": "exec /opt/venv/bin/python: exec format error",
    "permission": "PermissionError: [Errno 13] Permission denied: '/etc/shadow'",
    "network": "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
    "prompt": "Please select the geographic area in which you live.",
    "checksum": "sha256sum: WARNING: 1 computed checksum did NOT match",
}


@pytest.mark.parametrize(("identifier", "line"), LINES.items())
def test_each_known_failure_is_recognised_by_its_line(identifier: str, line: str) -> None:
    (found,) = recognise(f"before\n  {line}\nafter")
    assert (found.id, found.line) == (identifier, line)


def test_there_is_a_line_for_every_signature() -> None:
    assert LINES.keys() == {signature.id for signature in SIGNATURES}


def test_a_failure_that_repeats_is_told_once_and_in_the_order_of_appearance() -> None:
    text = "\n".join([LINES["no-space"], LINES["module-missing"], LINES["no-space"]])
    assert [found.id for found in recognise(text)] == ["no-space", "module-missing"]


def test_an_orderly_log_has_none() -> None:
    assert recognise('{"event": "ready", "functions": ["model_fn"]}\n{"event": "request", "outcome": "ok"}') == []
