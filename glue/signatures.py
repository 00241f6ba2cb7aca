"""Known failures, recognised in what a build or a container prints. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SHOWN = 300


@dataclass(frozen=True)
class Signature:
    """A failure that is known by a line of log: what it means and what to do."""

    id: str
    pattern: re.Pattern[str]
    cause: str


@dataclass(frozen=True)
class Recognised:
    """A signature that was found, with the line that has it."""

    id: str
    line: str
    cause: str


def _signature(identifier: str, pattern: str, cause: str) -> Signature:
    return Signature(identifier, re.compile(pattern), cause)


SIGNATURES = (
    _signature(
        "default-pytorch-handler",
        r"Exactly one \.pth or \.pt file is required",
        "the model has no code/inference.py, so the default PyTorch handler runs: pack the artifact with its handler",
    ),
    _signature(
        "handler-missing",
        r"the handler \S+ is missing; searched",
        "the handler is not where the server looks: map it to code/inference.py in workload.yaml",
    ),
    _signature(
        "handler-incomplete", r"the handler is incomplete: ", "the handler lacks functions that the server calls"
    ),
    _signature(
        "module-missing",
        r"(ModuleNotFoundError: No module named|requirements? .* (?:is|are) not installed)",
        "a module is missing in the image: add its distribution to requirements.in and lock again",
    ),
    _signature("import-error", r"ImportError: ", "a module cannot be imported: versions that do not fit each other"),
    _signature(
        "read-only-model",
        r"Read-only file system",
        "something writes where the instance is read-only: /opt/ml/model may not be written, caches belong to /tmp",
    ),
    _signature(
        "worker-died",
        r'("event": ?"worker_exited"|Backend worker process died|Worker \(pid:\d+\) (?:exited|was sent SIGKILL))',
        "a worker of the server died and was started again",
    ),
    _signature("out-of-memory", r"(MemoryError|CUDA out of memory|Cannot allocate memory)", "memory ran out"),
    _signature(
        "no-gpu",
        r"(Found no NVIDIA driver|libcuda\.so\.1: cannot open|no kernel image is available)",
        "the program wants a GPU that this machine, or the instance type, does not have",
    ),
    _signature("port-taken", r"[Aa]ddress already in use", "the port is taken: two servers in one container"),
    _signature(
        "no-gpu",
        r"(could not select device driver|nvidia-container-cli: initialization error|unresolvable CDI devices)",
        "the engine has no GPU to give: run it on a machine with one, and with NVIDIA's container toolkit",
    ),
    _signature("no-space", r"No space left on device", "the disk is full"),
    _signature(
        "wrong-architecture",
        r"exec format error",
        "the image is for another processor: build for linux/amd64",
    ),
    _signature(
        "permission",
        r"PermissionError: \[Errno 13\]",
        "a file may not be used by this user: the image must work as root and as any other user",
    ),
    _signature(
        "network",
        r"(Temporary failure in name resolution|Network is unreachable|Name or service not known)",
        "the program wants the network, which it does not have: put the file into the image or artifact, or set"
        " container.network in workload.yaml",
    ),
    _signature(
        "prompt",
        r"(Please select the geographic area|Configuring tzdata|debconf: unable to initialize frontend)",
        "a package asks a question: set DEBIAN_FRONTEND=noninteractive and TZ for the build",
    ),
    _signature(
        "checksum",
        r"(computed checksum did NOT match|THESE PACKAGES DO NOT MATCH THE HASHES)",
        "a file is not the one that its checksum promises",
    ),
)


def recognise(text: str) -> list[Recognised]:
    """The known failures in `text`, each once, in the order in which they appear."""
    first: dict[str, Recognised] = {}
    for found in _found(text):
        first.setdefault(found.id, found)
    return list(first.values())


def _found(text: str) -> Iterator[Recognised]:
    for line in text.splitlines():
        for signature in SIGNATURES:
            if signature.pattern.search(line):
                yield Recognised(signature.id, line.strip()[:_SHOWN], signature.cause)
