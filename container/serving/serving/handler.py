"""The user's handler: finding it, checking it before anything is served, running requests through its functions."""

import importlib.util
import inspect
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from serving import formats
from serving.context import Context
from serving.errors import HandlerError
from serving.payloads import Payload

ARGUMENTS = {
    "pre_model_fn": ("model_dir",),
    "model_fn": ("model_dir",),
    "model_warmup_fn": ("model_dir", "model"),
    "input_fn": ("body", "content_type"),
    "predict_fn": ("data", "model"),
    "output_fn": ("prediction", "accept"),
    "transform_fn": ("model", "body", "content_type", "accept"),
}
"""The functions a handler may have, each of which may take `context` as one more argument."""

_PARTS = ("input_fn", "predict_fn", "output_fn")


def find(program: str, search_paths: Sequence[Path]) -> Path:
    """The handler's file.

    Raises:
        HandlerError: none of `search_paths` has it.
    """
    for folder in search_paths:
        path = folder / program
        if path.is_file():
            return path
    searched = ", ".join(map(str, search_paths))
    raise HandlerError(f"the handler {program} is missing; searched: {searched}")


def load(path: Path, root: Path) -> ModuleType:
    """Import the handler, whose name is its path below `root`. Whatever its code raises comes through.

    Raises:
        HandlerError: its name is that of a module which is in use already.
    """
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    if name in sys.modules:
        raise HandlerError(f"the handler {path} has the name of the module {name!r}, which the server uses: rename it")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise HandlerError(f"the handler {path} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer: the body to send, its media type, further headers and the status."""

    body: str | bytes | bytearray | memoryview
    content_type: str
    headers: dict[str, str]
    status: int


@dataclass(slots=True)
class Request:
    """What the client sent. `body` can be taken once, so that nothing here keeps it in memory."""

    body: Payload
    content_type: str
    accept: str
    timings: dict[str, float] = field(default_factory=dict)
    """Milliseconds by phase: `load_ms`, `predict_ms`, `encode_ms`."""
    _phase: str = ""
    _since: float = 0.0

    def take_body(self) -> str | bytes:
        """The body as handlers get it: `str` for JSON and CSV, else `bytes`."""
        return formats.body_of(self.body, self.content_type)

    def begin(self, phase: str) -> None:
        """Note that a phase begins, which ends the one before."""
        self.end()
        self._phase = phase

    def end(self) -> None:
        """Note how long the last phase took, whether or not it succeeded."""
        now = time.perf_counter()
        if self._phase:
            self.timings[self._phase] = round((now - self._since) * 1000, 3)
            self._phase = ""
        self._since = now


class Handler:
    """The functions of a handler.

    Raises:
        HandlerError: functions are missing, exclude each other or take the wrong arguments.
    """

    def __init__(self, module: ModuleType, path: Path) -> None:
        found = {name: function for name in ARGUMENTS if callable(function := getattr(module, name, None))}
        _check(found, path)
        self.functions = tuple(found)
        self._call = {name: _Call(name, function, path) for name, function in found.items()}

    def load_model(self, model_dir: str, context: Context) -> Any:
        """The model, from `model_fn`."""
        if "pre_model_fn" in self._call:
            self._call["pre_model_fn"](context, model_dir)
        return self._call["model_fn"](context, model_dir)

    @property
    def warms_up(self) -> bool:
        """Whether `warm_up` does anything."""
        return "model_warmup_fn" in self._call

    def warm_up(self, model_dir: str, model: Any, context: Context) -> None:
        """Run `model_warmup_fn`."""
        self._call["model_warmup_fn"](context, model_dir, model)

    def run(self, request: Request, model: Any, context: Context, default_accept: str) -> Reply:
        """Answer one request.

        Raises:
            ServingError: the request or the result does not fit the default functions.
            Exception: whatever the handler's functions raise.
        """
        accept = request.accept if request.accept not in {"", "*/*"} else default_accept
        try:
            if "transform_fn" in self._call:
                return self._transform(request, model, context, accept, default_accept)
            return self._predict(request, model, context, accept, default_accept)
        finally:
            request.end()

    def _transform(self, request: Request, model: Any, context: Context, accept: str, default_accept: str) -> Reply:
        request.begin("predict_ms")
        result = self._call["transform_fn"](context, model, request.take_body(), request.content_type, accept)
        request.begin("encode_ms")
        return _reply(result, formats.concrete(accept, default_accept), context)

    def _predict(self, request: Request, model: Any, context: Context, accept: str, default_accept: str) -> Reply:
        if "output_fn" not in self._call:
            accept = formats.negotiate(accept, default_accept)
        request.begin("load_ms")
        data = self._decode(request, context)
        request.begin("predict_ms")
        prediction = self._call["predict_fn"](context, data, model)
        del data
        request.begin("encode_ms")
        if "output_fn" in self._call:
            result = self._call["output_fn"](context, prediction, accept)
        else:
            result = formats.encode(prediction, accept)
        return _reply(result, formats.concrete(accept, default_accept), context)

    def _decode(self, request: Request, context: Context) -> Any:
        if "input_fn" in self._call:
            return self._call["input_fn"](context, request.take_body(), request.content_type)
        return formats.decode(request.take_body(), request.content_type)


class _Call:
    """One function of the handler, called with or without the context."""

    def __init__(self, name: str, function: Callable[..., Any], path: Path) -> None:
        self._function = function
        self._with_context = _takes_context(name, function, path)

    def __call__(self, context: Context, *arguments: Any) -> Any:
        return self._function(*arguments, context) if self._with_context else self._function(*arguments)


def _check(found: dict[str, Callable[..., Any]], path: Path) -> None:
    having = f"functions found in {path}: {', '.join(found) or 'none'}"
    if "transform_fn" in found and (parts := [name for name in _PARTS if name in found]):
        raise HandlerError(f"the handler has transform_fn and also {', '.join(parts)}, which it replaces; {having}")
    missing = [] if "model_fn" in found else ["model_fn"]
    if "predict_fn" not in found and "transform_fn" not in found:
        missing.append("predict_fn (or transform_fn)")
    if missing:
        raise HandlerError(f"the handler is incomplete: {' and '.join(missing)} missing; {having}")


def _takes_context(name: str, function: Callable[..., Any], path: Path) -> bool:
    """Whether to call `function` with the context after its own arguments.

    It is when it needs one argument more, or names the next one `context`.
    """
    count = len(ARGUMENTS[name])
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function of an extension module may not tell
        return False
    parameters = signature.parameters.values()
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    required = [p for p in positional if p.default is p.empty]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    keyword_only = any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)
    if not keyword_only:
        if len(required) == count + 1 or (
            len(required) <= count < len(positional) and positional[count].name == "context"
        ):
            return True
        if len(required) <= count and (len(positional) >= count or takes_any):
            return False
    expected = ", ".join(ARGUMENTS[name])
    raise HandlerError(f"{name} in {path} takes {signature}; expected ({expected}) or ({expected}, context)")


def _reply(result: Any, content_type: str, context: Context) -> Reply:
    """The reply for what `output_fn` or `transform_fn` returned: a body or (body, content type)."""
    headers = dict(context.response_headers)
    content_type = headers.pop("content-type", content_type)
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
        result, content_type = result[0], formats.header_text(result[1])
    if not isinstance(result, str | bytes | bytearray | memoryview):
        result = formats.encode(result, content_type)
    return Reply(result, content_type, headers, context.response_status)
