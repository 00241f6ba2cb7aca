import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from serving.context import Context
from serving.errors import HandlerError, NotAcceptable, Unserializable, client_status
from serving.handler import Handler, Reply, Request, find, load
from serving.payloads import Payload

PATH = Path("code/inference.py")


def handler(**functions: Any) -> Handler:
    module = ModuleType("inference")
    vars(module).update({"model_fn": lambda model_dir: "the model", **functions})
    return Handler(module, PATH)


def run(
    subject: Handler,
    body: bytes = b'{"n": 1}',
    content_type: str = "application/json",
    accept: str = "",
    **headers: str,
) -> Reply:
    context = Context("/model", headers, "an-id")
    return subject.run(Request(Payload.of(body), content_type, accept), "the model", context, "application/json")


def test_a_missing_handler_is_an_error_that_lists_the_folders_searched(tmp_path: Path) -> None:
    folders = (tmp_path / "a", tmp_path / "b")
    with pytest.raises(HandlerError) as caught:
        find("inference.py", folders)
    assert str(caught.value) == f"the handler inference.py is missing; searched: {folders[0]}, {folders[1]}"


def test_the_first_folder_that_has_the_handler_counts(tmp_path: Path) -> None:
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inference.py").touch()
    folders = [tmp_path / name for name in ("a", "b", "c")]
    assert find("inference.py", folders) == tmp_path / "b" / "inference.py"


def test_a_handler_with_the_name_of_a_module_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "json.py").touch()
    with pytest.raises(HandlerError, match="name of the module 'json'"):
        load(tmp_path / "json.py", tmp_path)


def test_a_handler_in_a_subfolder_has_its_dotted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own_handler.py").write_text("name = __name__")
    assert load(tmp_path / "sub" / "own_handler.py", tmp_path).name == "sub.own_handler"


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        (
            {"model_fn": None, "input_fn": lambda body, content_type: body},
            "model_fn and predict_fn (or transform_fn) missing; functions found in code/inference.py: input_fn",
        ),
        ({}, "incomplete: predict_fn (or transform_fn) missing; functions found in code/inference.py: model_fn"),
        ({"predict_fn": "text"}, "incomplete: predict_fn (or transform_fn) missing"),
        ({"model_fn": None}, "functions found in code/inference.py: none"),
        (
            {"transform_fn": lambda m, b, c, a: b, "predict_fn": lambda d, m: d},
            "has transform_fn and also predict_fn, which it replaces",
        ),
        ({"predict_fn": lambda data: data}, "predict_fn in code/inference.py takes (data); expected (data, model) or"),
        ({"predict_fn": lambda a, b, c, d: a}, "expected (data, model) or (data, model, context)"),
        ({"predict_fn": lambda a, b, *, c: a}, "takes (a, b, *, c)"),
    ],
)
def test_a_handler_that_cannot_work_is_refused_with_what_it_has(functions: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError) as caught:
        handler(**functions)
    assert message in str(caught.value)


def test_every_function_may_take_the_context() -> None:
    seen: list[Context] = []

    def note(context: Context, value: Any) -> Any:
        seen.append(context)
        return value

    subject = handler(
        model_fn=lambda model_dir, context: note(context, "model"),
        input_fn=lambda body, content_type, context: note(context, body),
        predict_fn=lambda data, model, context: note(context, data),
        output_fn=lambda prediction, accept, context: note(context, prediction),
    )
    subject.load_model("/model", Context("/model"))
    assert run(subject).body == '{"n": 1}'
    assert [context.get_request_id() for context in seen] == [None, "an-id", "an-id", "an-id"]


def test_transform_fn_may_take_the_context() -> None:
    subject = handler(transform_fn=lambda model, body, kind, accept, context: context.get_request_header(0, "X_Own"))
    assert run(subject, x_own="value").body == "value"


def test_an_optional_argument_of_another_name_is_not_given_the_context() -> None:
    def predict_fn(data: Any, model: Any, device: str = "cpu") -> str:
        return device

    def input_fn(body: Any, content_type: str, context: Any = None) -> Any:
        return context.get_request_id()

    assert run(handler(predict_fn=predict_fn)).body == '"cpu"'
    assert run(handler(predict_fn=lambda data, *rest: len(rest))).body == "1"
    assert run(handler(input_fn=input_fn, predict_fn=lambda data, model: data)).body == '"an-id"'


def test_json_and_csv_reach_a_handler_as_text_and_the_rest_as_bytes() -> None:
    subject = handler(
        input_fn=lambda body, content_type: type(body).__name__,
        predict_fn=lambda data, model: data,
        output_fn=lambda prediction, accept: prediction,
    )
    assert run(subject, content_type="application/json").body == "str"
    assert run(subject, content_type="text/csv; header=absent").body == "str"
    assert run(subject, content_type="image/png").body == "bytes"


@pytest.mark.parametrize(
    ("result", "body", "content_type"),
    [
        (b"\x00", b"\x00", "image/png"),
        (bytearray(b"a"), b"a", "image/png"),
        ("é", "é", "image/png"),
        ((b"a", "text/plain"), b"a", "text/plain"),
        (({"a": 1}, "application/json"), '{"a": 1}', "application/json"),
    ],
)
def test_a_result_is_a_body_or_a_body_and_its_type(result: Any, body: bytes, content_type: str) -> None:
    subject = handler(predict_fn=lambda data, model: data, output_fn=lambda prediction, accept: result)
    reply = run(subject, accept="image/png")
    assert (reply.body, reply.content_type) == (body, content_type)


def test_a_result_without_a_type_has_the_first_concrete_one_the_client_accepts() -> None:
    subject = handler(transform_fn=lambda model, body, content_type, accept: "text")
    assert run(subject, accept="*/*").content_type == "application/json"
    assert run(subject, accept="image/*, text/plain;q=0.5").content_type == "text/plain"


def test_the_context_can_set_headers_and_status() -> None:
    def transform_fn(model: Any, body: Any, content_type: str, accept: str, context: Context) -> str:
        context.set_response_content_type(0, "text/plain")
        context.set_response_header(0, "X-Own", "value")
        context.set_response_status(202)
        return ""

    assert run(handler(transform_fn=transform_fn)) == Reply("", "text/plain", {"x-own": "value"}, 202)


def test_a_context_has_what_handlers_for_other_servers_ask_for() -> None:
    context = Context("/model", {"Content-Type": "a/b"}, "an-id")
    assert context.system_properties["model_dir"] == "/model"
    assert context.get_all_request_header(0) == {"content-type": "a/b"}
    assert context.request_processor[0].get_request_properties() == {"content-type": "a/b"}
    assert context.request_processor[0].get_request_property("CONTENT-TYPE") == "a/b"
    with pytest.raises(ValueError, match="status 99"):
        context.set_response_status(99)
    context.set_response_status(np.int64(202))  # type: ignore[arg-type]
    assert (context.response_status, type(context.response_status)) == (202, int)


def test_headers_of_a_response_are_bounded() -> None:
    context = Context("/model")
    context.set_response_header(0, "X-Large", "x" * 60_000)
    with pytest.raises(Unserializable, match="larger than the 65536 bytes allowed"):
        context.set_response_header(0, "X-Too-Much", "x" * 6_000)


def test_a_media_type_that_cannot_be_written_is_refused_before_the_model_runs() -> None:
    calls: list[Any] = []
    with pytest.raises(NotAcceptable):
        run(handler(predict_fn=lambda data, model: calls.append(data)), accept="image/png")
    assert calls == []


def test_a_content_type_that_would_break_the_response_is_refused() -> None:
    with pytest.raises(Unserializable, match="header"):
        run(handler(transform_fn=lambda m, b, c, a: ("", "a\r\nb: c")))


def test_the_time_of_each_phase_is_noted_also_when_it_fails() -> None:
    request = Request(Payload.of(b"{"), "application/json", "")
    with pytest.raises(Exception, match="not JSON"):
        handler(predict_fn=lambda d, m: d).run(request, None, Context("/model"), "application/json")
    assert list(request.timings) == ["load_ms"]


def test_the_body_is_given_up_when_it_is_taken() -> None:
    request = Request(Payload.of(b"body"), "image/png", "")
    assert request.take_body() == b"body"
    assert request.body.data == b""


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, None),
        ({"status_code": 404}, (404, "not_found")),
        ({"status_code": 422, "code": "too_dark"}, (422, "too_dark")),
        ({"status_code": 499, "code": 7}, (499, "client_error")),
        ({"status_code": 500}, None),
        ({"status_code": 200}, None),
        ({"status_code": "400"}, None),
        ({"status_code": True}, None),
    ],
)
def test_an_exception_with_a_client_status_is_the_clients_fault(
    attributes: dict[str, Any], expected: tuple[int, str] | None
) -> None:
    error = ValueError("text")
    vars(error).update(attributes)
    assert client_status(error) == expected
