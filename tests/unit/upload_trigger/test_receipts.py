"""Receipts: one worker at a time, and no upload twice."""

import json

import pytest

from tests.unit.upload_trigger.conftest import BUCKET, Bucket
from upload_trigger.receipts import BusyError, Claim, Receipts
from upload_trigger.uploads import Upload

UPLOAD = Upload(BUCKET, "rooms/uploads/a.png", "v1")
KEY = f"rooms/receipts/{UPLOAD.inference_id}.json"


def receipts(bucket: Bucket, *, now: float = 1000.0) -> Receipts:
    return Receipts(bucket.s3, BUCKET, "rooms/receipts/", now=lambda: now)


def claimed(bucket: Bucket, owner: str, *, now: float = 1000.0) -> Claim:
    claim = receipts(bucket, now=now).claim(UPLOAD, owner, 30)
    assert claim
    return claim


def test_a_claim_is_written_down(bucket: Bucket) -> None:
    claimed(bucket, "first")
    written = json.loads(bucket.read(KEY))
    assert written["status"] == "claimed"
    assert (written["bucket"], written["key"], written["version_id"]) == (BUCKET, UPLOAD.key, "v1")
    assert (written["owner"], written["expires"]) == ("first", 1030.0)


def test_what_somebody_works_on_cannot_be_claimed(bucket: Bucket) -> None:
    claimed(bucket, "first")
    with pytest.raises(BusyError, match="claimed by first"):
        receipts(bucket, now=1029.0).claim(UPLOAD, "second", 30)


def test_a_further_attempt_of_the_same_event_goes_on(bucket: Bucket) -> None:
    claimed(bucket, "first")
    assert claimed(bucket, "first").receipt.owner == "first"


def test_a_claim_whose_time_is_up_is_taken_over_and_its_holder_cannot_close_it(bucket: Bucket) -> None:
    late = claimed(bucket, "first")
    claimed(bucket, "second", now=1030.0)
    with pytest.raises(BusyError, match="was faster"):
        receipts(bucket).close(late, "invoked")
    assert json.loads(bucket.read(KEY))["owner"] == "second"


def test_what_was_invoked_is_never_claimed_again(bucket: Bucket) -> None:
    receipts(bucket).close(claimed(bucket, "first"), "invoked", output_location="s3://out")
    assert receipts(bucket, now=9999.0).claim(UPLOAD, "first", 30) is None
    assert json.loads(bucket.read(KEY))["output_location"] == "s3://out"


def test_what_failed_is_tried_again_at_once(bucket: Bucket) -> None:
    receipts(bucket).close(claimed(bucket, "first"), "failed", reason="empty")
    assert json.loads(bucket.read(KEY))["reason"] == "empty"
    assert claimed(bucket, "second").receipt.reason is None


def test_of_two_that_take_over_one_wins(bucket: Bucket) -> None:
    claimed(bucket, "first")
    slow = receipts(bucket, now=2000.0)
    read = slow._read

    def read_and_lose(inference_id: str) -> Claim:
        found = read(inference_id)
        claimed(bucket, "second", now=2000.0)
        return found

    slow._read = read_and_lose  # type: ignore[method-assign]
    with pytest.raises(BusyError, match="was faster"):
        slow.claim(UPLOAD, "third", 30)


def test_a_receipt_that_expires_between_two_looks_is_no_error_of_its_own(bucket: Bucket) -> None:
    claimed(bucket, "first")
    late = receipts(bucket)
    read = late._read

    def read_after_expiry(inference_id: str) -> Claim:
        bucket.s3.delete_object(Bucket=BUCKET, Key=KEY)
        return read(inference_id)

    late._read = read_after_expiry  # type: ignore[method-assign]
    with pytest.raises(BusyError, match="just expired"):
        late.claim(UPLOAD, "second", 30)
