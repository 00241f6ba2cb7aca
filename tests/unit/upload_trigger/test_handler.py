"""One event in, one request out: whatever is repeated, overwritten or fails in between."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError

from tests.unit.upload_trigger.conftest import BUCKET, Answers, Bucket, Runtime, event
from upload_trigger import handler
from upload_trigger.handler import Settings, Trigger, UnansweredError
from upload_trigger.receipts import BusyError, Receipts
from upload_trigger.uploads import RefusedError, Upload

SETTINGS = Settings("platform-dev-rooms", "rooms/inputs/", "rooms/receipts/", 300)
AWKWARD = ["a b.png", "a+b.png", "a%20b.png", "100%.png", "häuser/平面図.png", "a'b\"c&d=e;f.png", "dir//a.png"]
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "InvokeEndpointAsync")


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def run(bucket: Bucket, runtime: Runtime, of: dict[str, Any], owner: str = "run") -> dict[str, Any]:
    return Trigger(SETTINGS, bucket.s3, runtime, pause=lambda seconds: None).run(of, owner, 30)


def receipt(bucket: Bucket, of: dict[str, Any]) -> dict[str, Any]:
    found = of["detail"]["object"]
    name = Upload(BUCKET, found["key"], found["version-id"]).inference_id
    document: dict[str, Any] = json.loads(bucket.read(f"rooms/receipts/{name}.json"))
    return document


@pytest.mark.parametrize("key", AWKWARD)
def test_an_upload_becomes_a_request_for_exactly_its_bytes(bucket: Bucket, runtime: Runtime, key: str) -> None:
    uploaded = bucket.upload(f"rooms/uploads/{key}", b"picture", ContentType="image/png")
    outcome = run(bucket, runtime, uploaded)
    [request] = runtime.requests
    assert request == {
        "EndpointName": "platform-dev-rooms",
        "InputLocation": f"s3://{BUCKET}/rooms/inputs/{outcome['inference_id']}",
        "ContentType": "image/png",
        "InferenceId": outcome["inference_id"],
        "InvocationTimeoutSeconds": 300,
    }
    assert bucket.read(f"rooms/inputs/{outcome['inference_id']}") == b"picture"
    written = receipt(bucket, uploaded)
    assert (written["status"], written["key"]) == ("invoked", f"rooms/uploads/{key}")
    assert (written["output_location"], written["failure_location"]) == ("s3://out", "s3://fail")


def test_a_key_that_comes_encoded_is_found_too(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("rooms/uploads/a b+c.png")
    uploaded["detail"]["object"]["key"] = "rooms/uploads/a+b%2Bc.png"
    assert run(bucket, runtime, uploaded)["key"] == "rooms/uploads/a b+c.png"


def test_a_repeated_event_makes_no_second_request(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("a.png")
    assert run(bucket, runtime, uploaded, "one")["outcome"] == "invoked"
    assert run(bucket, runtime, uploaded, "two")["outcome"] == "repeated"
    assert len(runtime.requests) == 1


def test_an_overwritten_object_is_requested_twice_with_the_bytes_of_each_version(
    bucket: Bucket, runtime: Runtime
) -> None:
    first, second = bucket.upload("a.png", b"one"), bucket.upload("a.png", b"two")
    names = [run(bucket, runtime, uploaded)["inference_id"] for uploaded in (first, second)]
    assert [bucket.read(f"rooms/inputs/{name}") for name in names] == [b"one", b"two"]
    assert len(runtime.requests) == 2


def test_what_fails_says_so_in_its_receipt_and_succeeds_later(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("a.png")
    runtime.failures.append(THROTTLED)
    with pytest.raises(ClientError):
        run(bucket, runtime, uploaded, "one")
    assert receipt(bucket, uploaded)["status"] == "failed"
    assert "slow down" in receipt(bucket, uploaded)["reason"]
    assert run(bucket, runtime, uploaded, "two")["outcome"] == "invoked"
    assert receipt(bucket, uploaded)["reason"] is None


@pytest.mark.parametrize("lost", [ReadTimeoutError, ConnectionClosedError])
def test_a_request_without_an_answer_is_made_again_as_the_same(
    bucket: Bucket, runtime: Runtime, lost: type[HTTPClientError]
) -> None:
    uploaded = bucket.upload("a.png")
    runtime.failures.append(lost(endpoint_url="https://runtime"))
    with pytest.raises(UnansweredError):
        run(bucket, runtime, uploaded)
    assert "may have accepted the request" in receipt(bucket, uploaded)["reason"]
    outcome = run(bucket, runtime, uploaded)
    assert [one["InferenceId"] for one in runtime.requests] == [outcome["inference_id"]]


@pytest.mark.parametrize("times", [1, 4])
def test_a_receipt_that_cannot_be_written_at_once_is_written_later(
    bucket: Bucket, runtime: Runtime, times: int
) -> None:
    uploaded, answers = bucket.upload("a.png"), Answers(bucket.s3)
    runtime.then = lambda: answers.lose(times)
    assert run(bucket, runtime, uploaded)["outcome"] == "invoked"
    assert receipt(bucket, uploaded)["status"] == "invoked"
    assert run(bucket, runtime, uploaded)["outcome"] == "repeated"
    assert len(runtime.requests) == 1


def test_what_was_accepted_is_no_failure_even_if_it_cannot_be_written_down(bucket: Bucket, runtime: Runtime) -> None:
    """An error would make Lambda try again, which is a second request."""
    uploaded, answers = bucket.upload("a.png"), Answers(bucket.s3)
    runtime.then = lambda: answers.lose(1000)
    outcome = run(bucket, runtime, uploaded)
    assert (outcome["outcome"], outcome["output_location"]) == ("invoked", "s3://out")
    assert "connect" in outcome["receipt_error"]
    assert receipt(bucket, uploaded)["status"] == "claimed"
    assert len(runtime.requests) == 1


def test_a_receipt_of_which_only_the_answer_was_lost_is_written(bucket: Bucket, runtime: Runtime) -> None:
    uploaded, answers = bucket.upload("a.png"), Answers(bucket.s3)
    runtime.then = lambda: answers.lose(1, written=True)
    outcome = run(bucket, runtime, uploaded)
    assert "receipt_error" not in outcome
    assert receipt(bucket, uploaded)["status"] == "invoked"


def test_of_a_claim_that_was_taken_over_the_request_is_told_all_the_same(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("a.png")
    other = Receipts(bucket.s3, BUCKET, SETTINGS.receipt_prefix, now=lambda: time.time() + 31)
    found = uploaded["detail"]["object"]

    def take_over() -> None:
        assert other.claim(Upload(BUCKET, found["key"], found["version-id"]), "other", 30)

    runtime.then = take_over
    outcome = run(bucket, runtime, uploaded)
    assert outcome["outcome"] == "invoked"
    assert "another run was faster" in outcome["receipt_error"]
    assert receipt(bucket, uploaded)["owner"] == "other"


def test_a_run_beside_another_gives_way(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("a.png")

    def be_disturbed() -> None:
        with pytest.raises(BusyError):
            run(bucket, Runtime(), uploaded, "two")

    runtime.then = be_disturbed
    assert run(bucket, runtime, uploaded, "one")["outcome"] == "invoked"


@pytest.mark.parametrize(
    ("key", "body", "words"), [("a.png", b"", "is empty"), ("noise", b"x", "upload it with a Content-Type")]
)
def test_what_can_be_no_request_is_refused_with_a_receipt(
    bucket: Bucket, runtime: Runtime, key: str, body: bytes, words: str
) -> None:
    uploaded = bucket.upload(key, body)
    with pytest.raises(RefusedError, match=words):
        run(bucket, runtime, uploaded)
    assert words in receipt(bucket, uploaded)["reason"]
    assert runtime.requests == []


def test_an_upload_that_was_removed_meanwhile_is_refused(bucket: Bucket, runtime: Runtime) -> None:
    uploaded = bucket.upload("a b.png")
    version = uploaded["detail"]["object"]["version-id"]
    bucket.s3.delete_object(Bucket=BUCKET, Key="a b.png", VersionId=version)
    with pytest.raises(RefusedError, match="version is gone"):
        run(bucket, runtime, uploaded)


def test_lambda_calls_it_with_an_event_and_reads_one_line_of_json(
    bucket: Bucket, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "ENDPOINT_NAME": "platform-dev-rooms",
        "INPUT_PREFIX": "rooms/inputs/",
        "RECEIPT_PREFIX": "rooms/receipts/",
        "INVOCATION_TIMEOUT_SECONDS": "300",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_clients", lambda: (bucket.s3, runtime))
    context = SimpleNamespace(aws_request_id="run", get_remaining_time_in_millis=lambda: 30000)
    outcome = handler.handle(bucket.upload("ä.png"), context)
    assert json.loads(capsys.readouterr().out) == outcome
    with pytest.raises(RefusedError):
        handler.handle(event("ä.png", None), context)
    said = json.loads(capsys.readouterr().out)
    assert said["outcome"] == "refused"
    assert "keeps no versions" in said["reason"]
