"""Whether the handler of an unpacked artifact can be imported: tried in a process of its own, never in this one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.artifacts import imports, probe
from glue.errors import FailedError
from glue.workloads import HANDLER
from glue.workloads.requirements import Requirements

_OUTPUT_TAIL = 4000  # bytes


@dataclass(frozen=True)
class Interpreter:
    """The Python that imports the handler, where the server's package lies, and the seconds an import may take."""

    serving_dir: Path
    python: str = sys.executable
    timeout: float = 120


@dataclass(frozen=True)
class HandlerCheck:
    """The functions found in the handler, and what could not be tried here."""

    functions: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check_handler(root: Path, interpreter: Interpreter, requirements: Requirements | None) -> HandlerCheck:
    """Check the handler of the artifact unpacked in `root`. Its top-level code runs, with this user's rights.

    Args:
        requirements: what the image will have installed; None: unknown, then only what really fails is refused.

    Raises:
        FailedError: it cannot be imported or lacks functions; the message has file, line and the first traceback.
    """
    used = imports.external_imports(root, HANDLER)
    names = imports.top_level_names(root / HANDLER, HANDLER)
    outcome = _probe(root, interpreter, names or frozenset())
    distributions = outcome["distributions"]
    if requirements and requirements.complete:
        _require_declared(used, requirements, distributions)
    if "functions" in outcome:
        return HandlerCheck(tuple(outcome["functions"]))
    if "refused" in outcome:
        raise _refused(outcome, root)
    missing = outcome["missing_module"]
    if missing and requirements and requirements.provide(missing.partition(".")[0], distributions.get(missing, ())):
        warning = (
            f"{_place(outcome, root)}: {missing} is declared in {requirements.file} and not installed here: "
            "the handler was read, not imported"
        )
        if names is not None and "refused" in outcome["read"]:
            raise _refused(outcome["read"], root)
        return HandlerCheck(tuple(outcome["read"].get("functions", ())), (warning,))
    raise _refusal(outcome, root, missing, requirements)


def _require_declared(
    used: Collection[imports.Import], requirements: Requirements, distributions: Mapping[str, Collection[str]]
) -> None:
    """Refuse what happens to be installed here and will be missing in the image."""
    undeclared = [
        f"{each.file}:{each.line}: imports {each.module}: neither does the archive hold it "
        f"nor does {requirements.file} declare it"
        for each in used
        if not each.optional and not requirements.provide(each.module, distributions.get(each.module, ()))
    ]
    if undeclared:
        raise FailedError("\n".join(undeclared), hints=[f"add it to {requirements.file}, or import it in a `try`"])


def _refused(outcome: Mapping[str, Any], root: Path) -> FailedError:
    return FailedError(outcome["refused"].replace(f"{root}{os.sep}", ""))


def _refusal(
    outcome: Mapping[str, Any], root: Path, missing: str | None, requirements: Requirements | None
) -> FailedError:
    what = f"{outcome['type']}: {outcome['message']}" if outcome["message"] else outcome["type"]
    hints = []
    if missing:
        declared_in = requirements.file if requirements else "requirements"
        what += f" (no {declared_in} declares it)" if requirements else " (nothing declares it)"
        hints.append(f"declare the distribution of {missing} in the workload's {declared_in}, or pack the module")
    trace = outcome["traceback"].replace(f"{root}{os.sep}", "").rstrip()
    return FailedError(f"{_place(outcome, root)}: cannot be imported: {what}\n{trace}", hints=hints)


def _place(outcome: Mapping[str, Any], root: Path) -> str:
    if not outcome["place"]:
        return HANDLER
    file, line = outcome["place"]
    return f"{Path(file).relative_to(root).as_posix()}:{line}"


def _probe(root: Path, interpreter: Interpreter, names: Collection[str]) -> dict[str, Any]:
    """What became of importing the handler, which binds `names`, in a child process."""
    with tempfile.TemporaryDirectory(prefix="glue-probe-") as scratch, tempfile.TemporaryFile() as output:
        result = Path(scratch) / "result.json"
        program = HANDLER.rpartition("/")[2]
        arguments = [interpreter.python, "-I", "-B", probe.__file__]
        arguments += [str(interpreter.serving_dir), str(root), program, str(result), json.dumps(sorted(names))]
        try:
            child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=scratch,
                env=_environment(root, Path(scratch)),
                start_new_session=True,
            )
        except OSError as error:
            raise FailedError(f"{interpreter.python}: cannot be started: {error.strerror}") from error
        try:
            status = child.wait(interpreter.timeout)
        except subprocess.TimeoutExpired:
            raise FailedError(
                f"{HANDLER}: its import took longer than {interpreter.timeout:g} s and was ended",
                hints=["load the model in model_fn, not when the module is imported"],
            ) from None
        finally:
            _end(child)
        if status == 0 and result.exists():
            outcome: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return outcome
        raise FailedError(f"{HANDLER}: its import {_ended(status)}{_tail(output)}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has ended
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _ended(status: int) -> str:
    if status < 0:
        return f"killed its process with {signal.Signals(-status).name}"
    return f"ended its process with exit code {status}"


def _tail(output: Any) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _OUTPUT_TAIL))
    text = output.read().decode("utf-8", "replace").strip()
    return f"; its last output:\n{text}" if text else ""


def _environment(root: Path, scratch: Path) -> dict[str, str]:
    """The little that a handler may expect around it; of the user's own environment only the PATH."""
    folder = str(scratch)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "XDG_CACHE_HOME": folder,
        "HF_HOME": folder,
        "TORCH_HOME": folder,
        "SAGEMAKER_BASE_DIR": str(root.parent),
        "SAGEMAKER_PROGRAM": HANDLER.rpartition("/")[2],
        "SAGEMAKER_SUBMIT_DIRECTORY": str(root / "code"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
