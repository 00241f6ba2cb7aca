"""Requests through a real endpoint: answered, failed, given up, interrupted."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glue.deployed import DeployedEndpoint
from glue.invocation import Batch, EndpointClient, Payload, Result, Status, body_name, invoke_all, payloads
from glue.progress import Silent
from glue.s3_uris import split_s3_uri
from tests.localcloud.invocation.conftest import Deployed

pytestmark = pytest.mark.timeout(120)
Write = Callable[..., Path]


def _run(program: Deployed, files: list[Path], folder: Path | None = None, **options: Any) -> Batch:
    with EndpointClient(program.endpoint, program.cloud) as client:
        return invoke_all(
            client,
            options.pop("to_send", None) or payloads(files),
            wait_seconds=options.pop("wait", 60),
            reporter=options.pop("reporter", Silent()),
            on_completed=lambda one: client.fetch(one, folder / body_name(one)) if folder else one,
        )


def _with(program: Deployed, endpoint: DeployedEndpoint) -> Deployed:
    return replace(program, subject=replace(program.subject, deployed=endpoint))


def test_each_file_of_many_gets_its_own_answer(program: Deployed, order: Write, tmp_path: Path) -> None:
    files = [order(f"{index}.json", do="echo", index=index) for index in range(20)]
    batch = _run(program, files, tmp_path / "out")
    assert not batch.interrupted
    assert {result.status for result in batch.results} == {Status.COMPLETED}
    assert len({result.inference_id for result in batch.results}) == 20
    for file, result in zip(files, batch.results, strict=True):
        assert result.body == tmp_path / "out" / f"{file.stem}.{result.inference_id}.json"
        assert json.loads(result.body.read_bytes()) == json.loads(file.read_bytes())
        assert result.upload_seconds > 0
        assert result.answer_seconds is not None
    assert len(list((tmp_path / "out").iterdir())) == 20


def test_a_payload_lies_under_date_and_id_with_type_and_checksum(program: Deployed, order: Write) -> None:
    result = _run(program, [order("a b.json", do="size")]).results[0]
    assert result.input_location is not None
    bucket, key = split_s3_uri(result.input_location)
    assert key.startswith(f"{program.endpoint.name}/inputs/2")
    assert key.endswith(f"/{result.inference_id}/a_b.json")
    head = program.cloud.client("s3").head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert head["ContentType"] == "application/json"
    assert head["ChecksumSHA256"]


def test_a_failure_is_a_result_and_the_others_go_on(program: Deployed, order: Write, tmp_path: Path) -> None:
    files = [order("good.json", do="size"), order("bad.json", do="refuse", status=500, message="the handler raised")]
    good, bad = _run(program, files, tmp_path / "out").results
    assert good.status is Status.COMPLETED
    assert bad.status is Status.FAILED
    assert "the handler raised" in (bad.reason or "")
    assert bad.body is None


def test_without_waiting_the_results_say_where_answers_will_be(program: Deployed, order: Write) -> None:
    result = _run(program, [order("a.json", do="size")], wait=None).results[0]
    assert result.status is Status.UNDER_WAY
    assert (result.output_location or "").startswith(
        f"s3://{program.endpoint.data_bucket}/{program.endpoint.name}/results/"
    )
    assert (result.failure_location or "").startswith(
        f"s3://{program.endpoint.data_bucket}/{program.endpoint.name}/failures/"
    )


def test_a_request_that_takes_too_long_is_given_up_with_what_was_waited_for(program: Deployed, order: Write) -> None:
    result = _run(program, [order("slow.json", do="hang", seconds=15)], wait=0.5).results[0]
    assert result.status is Status.TIMED_OUT
    assert "no answer after 0.5 s" in (result.reason or "")
    assert result.output_location is not None
    assert result.output_location in (result.reason or "")


def test_the_endpoint_s_invocation_timeout_goes_with_each_request(program: Deployed, order: Write) -> None:
    short = program.endpoint.model_copy(
        update={"timeouts": program.endpoint.timeouts.model_copy(update={"invocation": 1})}
    )
    result = _run(_with(program, short), [order("slow.json", do="hang", seconds=15)]).results[0]
    assert result.status is Status.FAILED
    assert result.answer_seconds is not None
    assert result.answer_seconds < 10


def test_a_file_that_vanishes_or_an_endpoint_that_is_gone_is_not_sent(
    program: Deployed, order: Write, tmp_path: Path
) -> None:
    gone = Payload(tmp_path / "gone.json", "application/json")
    good = payloads([order("a.json", do="size")])[0]
    results = _run(program, [], to_send=[gone, good]).results
    assert [result.status for result in results] == [Status.NOT_SENT, Status.COMPLETED]
    assert "gone.json" in (results[0].reason or "")
    nowhere = _with(program, program.endpoint.model_copy(update={"name": "no-such-endpoint"}))
    result = _run(nowhere, [], to_send=[good]).results[0]
    assert result.status is Status.NOT_SENT
    assert "no-such-endpoint" in (result.reason or "")


class _CtrlC(Silent):
    """Interrupts as soon as answers are waited for."""

    def progress(self, text: str, done: float, total: float | None) -> None:
        if text.startswith("answers"):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_says_which_requests_are_under_way_and_where_their_answers_will_be(
    program: Deployed, order: Write, tmp_path: Path
) -> None:
    gate = tmp_path / "open"
    files = [
        order(f"{index}.json", do="gate", arrived=str(tmp_path / f"arrived-{index}"), open=str(gate))
        for index in range(3)
    ]
    batch = _run(program, files, tmp_path / "out", reporter=_CtrlC())
    gate.touch()
    assert batch.interrupted
    assert [result.status for result in batch.results] == [Status.UNDER_WAY] * 3
    with EndpointClient(program.endpoint, program.cloud) as client:
        waiter = program.cloud.client("s3").get_waiter("object_exists")
        for result in batch.results:
            bucket, key = split_s3_uri(result.output_location or "")
            waiter.wait(Bucket=bucket, Key=key, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
            found = client.look(result, 1)
            assert found is not None
            assert found.status is Status.COMPLETED


class _CtrlCInUpload(Silent):
    def progress(self, text: str, done: float, total: float | None) -> None:
        if text.startswith("uploading"):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_during_an_upload_leaves_nothing_in_the_bucket(program: Deployed, tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(400_000_000)
    batch = _run(program, [large], reporter=_CtrlCInUpload())
    assert batch.interrupted
    assert [result.status for result in batch.results] == [Status.NOT_SENT]
    s3 = program.cloud.client("s3")
    assert s3.list_multipart_uploads(Bucket=program.endpoint.data_bucket).get("Uploads", []) == []
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=program.endpoint.data_bucket).get("Contents", [])]
    assert not [key for key in keys if key.endswith("large.json")]


def test_an_answer_never_replaces_a_file(program: Deployed, order: Write, tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("mine")

    def fetch(one: Result) -> Result:
        return client.fetch(one, mine)

    with EndpointClient(program.endpoint, program.cloud) as client:
        to_send = payloads([order("a.json", do="size")])
        result = invoke_all(client, to_send, wait_seconds=60, reporter=Silent(), on_completed=fetch).results[0]
    assert result.status is Status.UNKNOWN
    assert "mine.json: exists already" in (result.reason or "")
    assert mine.read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "mine.json"]
