"""Handlers as they are written for SageMaker's containers, in a real server.

`SERVING_LARGE_BODY` sets the bytes of a large body, up to 1073741824.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.serving.conftest import Launcher, Server, error_of, resident_bytes

LARGE_BODY = int(os.environ.get("SERVING_LARGE_BODY", "100000000"))

ECHO = """
    import json, os, sys
    from pathlib import Path

    import beside
    import inside.module
    from serving import errors

    class TooDark(Exception):
        status_code = 422
        code = "too_dark"

    class Own(errors.BadRequest):
        pass

    def model_fn(model_dir):
        labels = Path("labels.txt").read_text()
        return {"model_dir": model_dir, "labels": labels, "own": beside.NAME + inside.module.NAME}

    def predict_fn(data, model, context):
        match data:
            case {"raise": "client"}:
                raise TooDark("not enough light")
            case {"raise": "own"}:
                raise Own("two numbers, please")
            case {"raise": "plain"}:
                raise ValueError("no such thing")
            case {"raise": "exit"}:
                sys.exit(3)
            case {"raise": "memory"}:
                raise MemoryError
            case {"raise": "surrogate"}:
                raise OSError("cannot read " + os.fsdecode(b"bad \\xff"))
            case {"return": "object"}:
                return object()
            case {"print": text}:
                print(text)
                print("one", "line")
                print("on stderr", file=sys.stderr)
                os.write(1, b"from C\\nunfinished")
                return None
            case {"model": _}:
                return {**model, "cwd": os.getcwd(), "header": context.get_request_header(0, "X-Own")}
            case _:
                return data
"""


@pytest.fixture(scope="module")
def echo(shared_launch: Launcher) -> Iterator[Server]:
    shared_launch.write("NAME = 'beside'", "beside.py")
    shared_launch.write("NAME = '-inside'", "inside/module.py")
    (shared_launch.model / "labels.txt").write_text("a b")
    return shared_launch(ECHO).ready()  # type: ignore[return-value]


def test_the_surroundings_are_those_of_sagemakers_containers(echo: Server, shared_launch: Launcher) -> None:
    answer = echo.post('{"model": 1}', x_own="value").json()
    assert answer == {
        "model_dir": str(shared_launch.model),
        "labels": "a b",
        "own": "beside-inside",
        "cwd": str(shared_launch.model),
        "header": "value",
    }


def test_every_response_has_a_length_and_a_type(echo: Server) -> None:
    response = echo.post('{"a": 1}')
    assert response.json() == {"a": 1}
    assert response.headers["content-length"] == "8"
    assert response.headers["content-type"] == "application/json"
    assert "transfer-encoding" not in response.headers


def test_json_csv_and_npy_are_read_and_written_without_functions_for_them(echo: Server) -> None:
    assert echo.post("[1, 2.5]", accept="*/*").json() == [1, 2.5]
    assert echo.post("1,2\n3,4", content_type="text/csv", accept="text/csv").text == "1,2\n3,4\n"
    buffer = io.BytesIO()
    np.save(buffer, np.eye(2))
    response = echo.post(buffer.getvalue(), content_type="application/x-npy", accept="application/x-npy")
    assert response.headers["content-type"] == "application/x-npy"
    assert np.load(io.BytesIO(response.content)).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "expected"),
    [
        (b"{", "application/json", "*/*", (400, "bad_request")),
        (b"{\xff}", "application/json", "*/*", (400, "bad_request")),
        (b"{}", "image/png", "*/*", (415, "unsupported_media_type")),
        (b"{}", "application/json", "image/png", (406, "not_acceptable")),
        (b'{"raise": "client"}', "application/json", "*/*", (422, "too_dark")),
    ],
)
def test_the_clients_fault_is_a_4xx(
    echo: Server, body: bytes, content_type: str, accept: str, expected: tuple[int, str]
) -> None:
    response = echo.post(body, content_type=content_type, accept=accept)
    assert error_of(response)[:2] == expected
    assert echo.post('{"a": 1}').status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ('{"raise": "plain"}', "handler_error", "ValueError: no such thing"),
        ('{"raise": "exit"}', "handler_error", "SystemExit: 3"),
        ('{"raise": "surrogate"}', "handler_error", "OSError: cannot read bad \\udcff"),
        ('{"raise": "memory"}', "handler_error", "MemoryError"),
        (
            '{"return": "object"}',
            "unserializable_result",
            "a result of type object cannot be written as application/json",
        ),
    ],
)
def test_the_handlers_fault_is_a_500_with_its_cause_and_the_next_request_works(
    echo: Server, body: str, code: str, message: str
) -> None:
    status, found_code, found_message = error_of(echo.post(body))
    assert (status, found_code) == (500, code)
    assert found_message.startswith(message)
    assert echo.post('{"a": 1}').status_code == 200
    assert len(echo.workers()) == 1


def test_a_traceback_is_in_the_log_only_and_starts_with_the_users_code(echo: Server, shared_launch: Launcher) -> None:
    response = echo.post('{"raise": "plain"}', x_amzn_sagemaker_inference_id="trace-me")
    assert "Traceback" not in response.text
    trace = echo.record("request", inference_id="trace-me")["traceback"]
    assert trace.splitlines()[1].startswith(f'  File "{shared_launch.code / "inference.py"}"')
    assert trace.endswith("ValueError: no such thing\n")


@pytest.mark.parametrize(("raised", "traced"), [("own", False), ("client", True)])
def test_another_programs_error_is_the_clients_with_a_traceback_in_the_log(
    echo: Server, raised: str, traced: bool
) -> None:
    response = echo.post(f'{{"raise": "{raised}"}}', x_amzn_sagemaker_inference_id=f"client-{raised}")
    assert 400 <= response.status_code < 500
    assert "Traceback" not in response.text
    record = echo.record("request", inference_id=f"client-{raised}")
    assert ("TooDark: not enough light" in record.get("traceback", "")) == traced
    assert ("traceback" in record) == traced


def test_what_the_handler_prints_is_in_the_log_line_by_line_with_the_id_of_the_inference(echo: Server) -> None:
    echo.post('{"print": "line 1\\nline 2"}', x_amzn_sagemaker_inference_id="printing")
    echo.record("request", inference_id="printing")
    lines = [record["message"] for record in echo.records("output", inference_id="printing")]
    assert lines == ["line 1", "line 2", "one line", "on stderr", "from C", "unfinished"]


def test_one_record_for_each_request_says_what_happened_and_never_what_was_in_it(echo: Server) -> None:
    echo.post('{"secret": "s3cr3t"}', x_amzn_sagemaker_inference_id="one")
    record = echo.record("request", inference_id="one")
    assert record["outcome"] == "ok"
    assert (record["status"], record["request_bytes"], record["response_bytes"]) == (200, 20, 20)
    assert {"queue_ms", "load_ms", "predict_ms", "encode_ms", "total_ms"} < set(record)
    assert record["total_ms"] >= record["predict_ms"] >= 0
    assert "s3cr3t" not in json.dumps(echo.records("request"))


def test_transform_fn_replaces_the_other_functions(launch: Launcher) -> None:
    server = launch("""
        def model_fn(model_dir, context):
            return context.system_properties["model_dir"]

        def transform_fn(model, body, content_type, accept, context):
            context.set_response_header(0, "X-Own", context.get_request_id())
            return body.upper(), "text/plain"
    """).ready()
    response = server.post(b"abc", content_type="text/plain", x_amzn_sagemaker_inference_id="an-id")
    assert response.text == "ABC"
    assert (response.headers["content-type"], response.headers["x-own"]) == ("text/plain", "an-id")


def test_a_program_elsewhere_and_another_default_type(launch: Launcher, tmp_path: Path) -> None:
    (tmp_path / "program" / "sub").mkdir(parents=True)
    (tmp_path / "program" / "sub" / "own.py").write_text(
        "def model_fn(model_dir): pass\ndef predict_fn(data, model): return data\n"
    )
    server = launch(
        SAGEMAKER_PROGRAM="sub/own.py",
        SAGEMAKER_SUBMIT_DIRECTORY=str(tmp_path / "program"),
        SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv",
    ).ready()
    response = server.post("[1, 2]")
    assert (response.headers["content-type"], response.text) == ("text/csv", "1\n2\n")


def test_a_package_beside_the_handlers_folder_is_importable(launch: Launcher) -> None:
    (launch.model / "beside_code").mkdir()
    (launch.model / "beside_code" / "__init__.py").write_text("from beside_code.inner import NAME")
    (launch.model / "beside_code" / "inner.py").write_text("NAME = __file__")
    server = launch("""
        import beside_code

        def model_fn(model_dir):
            return beside_code.NAME

        def predict_fn(data, model):
            return model
    """).ready()
    assert server.post().json() == str(launch.model / "beside_code" / "inner.py")


def test_a_model_that_warms_up_is_not_ready_before(launch: Launcher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = launch(f"""
        import os
        os.mkfifo({str(gate)!r})

        def model_fn(model_dir):
            return []

        def model_warmup_fn(model_dir, model):
            open({str(gate)!r}).close()  # waits for the other side
            model.append("warm")

        def predict_fn(data, model):
            return model
    """)
    server.record("warming")
    assert (server.ping().status_code, server.ping().json()) == (503, {"status": "warming"})
    assert error_of(server.post())[:2] == (503, "warming")
    gate.open("w").close()
    assert server.ready().post().json() == ["warm"]


WARMED = """
    def model_fn(model_dir):
        return []

    def predict_fn(data, model):
        if data == {"raise": True}:
            raise ValueError("not so")
        model.append(data)
        return list(model)
"""


def test_a_request_to_warm_up_with_is_over_before_the_server_is_ready(launch: Launcher) -> None:
    (launch.model / "warm.json").write_text('{"cold": true}')
    server = launch(WARMED, SAGEMAKER_WARMUP_REQUEST="warm.json").ready()
    server.record("warming")
    assert server.post('{"a": 1}').json() == [{"cold": True}, {"a": 1}]


def test_a_request_to_warm_up_with_that_fails_ends_the_server(launch: Launcher) -> None:
    (launch.model / "warm.json").write_text('{"raise": true}')
    server = launch(WARMED, SAGEMAKER_WARMUP_REQUEST="warm.json")
    assert server.wait() == 1
    assert server.stderr.endswith("serve: ValueError: not so\n")
    server = launch(WARMED, SAGEMAKER_WARMUP_REQUEST="missing.json")
    assert server.wait() == 1
    assert "SAGEMAKER_WARMUP_REQUEST cannot be read" in server.stderr


def test_a_handler_sets_what_it_may_of_the_response_and_no_more(launch: Launcher) -> None:
    server = launch("""
        def model_fn(model_dir):
            pass

        def transform_fn(model, body, content_type, accept, context):
            if body == "bad name":
                context.set_response_header(0, "a b", "x")
            context.set_response_header(0, "Content-Length", "1")
            context.set_response_header(0, "Transfer-Encoding", "chunked")
            context.set_response_status(204 if body == "empty" else 201)
            return "whole", "text/plain"
    """).ready()
    response = server.post("x", "text/csv")
    assert (response.status_code, response.text, response.headers["content-length"]) == (201, "whole", "5")
    assert "transfer-encoding" not in response.headers
    response = server.post("empty", "text/csv")
    assert (response.status_code, response.content) == (204, b"")
    assert error_of(server.post("bad name", "text/csv"))[:2] == (500, "unserializable_result")
    assert server.post("x", "text/csv").text == "whole"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json"])
def test_a_large_body_is_in_memory_once(launch: Launcher, content_type: str) -> None:
    server = launch("""
        def model_fn(model_dir):
            pass

        def transform_fn(model, body, content_type, accept):
            assert isinstance(body, str if "json" in content_type else bytes)
            return body, content_type
    """).ready()
    size = LARGE_BODY
    body = bytes(range(32, 127)) * (size // 95)
    before = resident_bytes(*server.pids, peak=True)
    response = server.post(body, content_type=content_type)
    assert response.headers["content-length"] == str(len(body))
    assert response.content == body
    assert resident_bytes(*server.pids, peak=True) - before < 1.2 * size
