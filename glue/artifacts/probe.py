"""Imports a handler the way the server does and writes down what came of it.

Run in a process of its own, by any Python the workload may have: nothing but the standard library and the server's own
rules (`serving.handler`) may be imported here.

    python -I -B probe.py SERVING_DIR MODEL_DIR PROGRAM RESULT_FILE NAMES

NAMES are what the handler binds, as JSON, read from its text: what can be judged of it where a module is missing here.
"""

import json
import os
import sys
import traceback
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any

_MAX_TRACEBACK = 8000


def main(serving_dir: str, model_dir: str, program: str, result_file: str, names: str) -> None:
    """Write the outcome to `result_file` as JSON."""
    root = Path(model_dir)
    sys.path.insert(0, serving_dir)
    from serving import handler  # noqa: PLC0415 - its place is an argument
    from serving.errors import HandlerError  # noqa: PLC0415

    sys.path.remove(serving_dir)
    code = root / "code"
    sys.path[:0] = [str(code), str(root)]
    os.chdir(root)

    def judged(module: ModuleType) -> dict[str, Any]:
        try:
            return {"functions": list(handler.Handler(module, code / program).functions)}
        except HandlerError as error:
            return {"refused": str(error)}

    try:
        outcome = judged(handler.load(handler.find(program, [code]), code))
    except HandlerError as error:
        outcome = {"refused": str(error)}
    except BaseException as error:  # noqa: BLE001 - SystemExit, too: the code is not ours
        outcome = _failure(error, root) | {"read": judged(_unseen(json.loads(names)))}
    outcome["distributions"] = {name: list(brought) for name, brought in metadata.packages_distributions().items()}
    Path(result_file).write_text(json.dumps(outcome), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the handler has started do not keep the process


def _unseen(names: list[str]) -> ModuleType:
    """A module with functions of these names, of which nothing else is known."""
    module = ModuleType("unseen")
    for name in names:
        setattr(module, name, lambda *_: None)
    return module


def _failure(error: BaseException, root: Path) -> dict[str, Any]:
    """The exception's type and text, the archive's own line that it came from, and the traceback from there on."""
    start = error.__traceback__
    while start is not None and not _is_inside(start.tb_frame.f_code.co_filename, root):
        start = start.tb_next
    frames = traceback.extract_tb(start)
    own = [frame for frame in frames if _is_inside(frame.filename, root)]
    place = (own[-1].filename, own[-1].lineno) if own else None
    if isinstance(error, SyntaxError) and error.filename and _is_inside(error.filename, root):
        place = (error.filename, error.lineno)
    missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else None
    return {
        "type": type(error).__name__,
        "message": str(error),
        "place": place,
        "missing_module": missing if missing and _is_absent(missing) else None,
        "traceback": "".join(traceback.format_exception(type(error), error, start))[-_MAX_TRACEBACK:],
    }


def _is_inside(file: str, root: Path) -> bool:
    return file.startswith(f"{root}{os.sep}")


def _is_absent(module: str) -> bool:
    """Whether there is no trace of the module's distribution, rather than a module missing inside of it."""
    try:
        return util.find_spec(module.partition(".")[0]) is None
    except (ImportError, ValueError):
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
