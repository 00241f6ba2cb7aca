"""What an event is about, and which uploads can be requests."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.checks.uploads import inference_id
from tests.unit.upload_trigger.conftest import BUCKET, event
from upload_trigger.uploads import MAX_BYTES, RefusedError, Upload, check_size, content_type, readings

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
UPLOADS = st.builds(Upload, TEXTS, TEXTS, TEXTS)


def test_an_event_is_about_one_version_of_an_object() -> None:
    assert readings(event("rooms/a.png", "v1")) == [Upload(BUCKET, "rooms/a.png", "v1")]


def test_a_key_that_may_be_encoded_is_read_as_it_is_first() -> None:
    assert [one.key for one in readings(event("a+b%20c.png", "v1"))] == ["a+b%20c.png", "a b c.png"]


@pytest.mark.parametrize("wrong", [{}, {"detail": None}, {"detail": {"bucket": {}}}, {"detail": {"object": {}}}])
def test_what_is_no_event_about_an_object_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(RefusedError, match="not an event about an object"):
        readings(wrong)


@pytest.mark.parametrize("version", [None, "", "null"])
def test_an_upload_to_a_bucket_that_keeps_no_versions_is_refused(version: str | None) -> None:
    with pytest.raises(RefusedError, match="keeps no versions"):
        readings(event("a.png", version))


@given(UPLOADS)
def test_an_inference_id_is_one_that_sagemaker_takes_and_safe_in_a_key(upload: Upload) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,64}", upload.inference_id)


@given(UPLOADS, UPLOADS)
def test_each_upload_has_an_inference_id_of_its_own(one: Upload, other: Upload) -> None:
    assert (one.inference_id == other.inference_id) == (one == other)


def test_the_inference_id_of_an_upload_never_changes() -> None:
    expected = "upload-86e8e04b49083dccb604b4adf3df2021b759fa81"
    assert Upload("platform-data", "rooms/uploads/a b+c%.png", "v1").inference_id == expected


@given(UPLOADS)
def test_glue_knows_the_inference_id_of_an_upload(upload: Upload) -> None:
    assert inference_id(upload.bucket, upload.key, upload.version_id) == upload.inference_id


@pytest.mark.parametrize(("size", "words"), [(0, "is empty"), (MAX_BYTES + 1, "allowed is at most 1073741824")])
def test_an_object_of_a_size_that_sagemaker_does_not_take_is_refused(size: int, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        check_size(size)


@pytest.mark.parametrize("size", [1, MAX_BYTES])
def test_any_other_size_is_fine(size: int) -> None:
    check_size(size)


@pytest.mark.parametrize(
    ("key", "told", "expected"),
    [
        ("a.png", "image/x-own; v=1", "image/x-own; v=1"),
        ("a.PNG", "binary/octet-stream", "image/png"),
        ("a.b/c.json", "Application/Octet-Stream", "application/json"),
        ("a.jsonl", None, "application/jsonlines"),
        ("a.npy", "", "application/x-npy"),
        ("noise.png/a.jpeg", None, "image/jpeg"),
    ],
)
def test_the_content_type_is_the_objects_own_or_that_of_its_suffix(key: str, told: str | None, expected: str) -> None:
    assert content_type(key, told) == expected


@pytest.mark.parametrize("key", ["noise", "a.png/noise", "a.unheard-of", ".png", "a."])
def test_an_object_of_which_nothing_tells_the_type_is_refused(key: str) -> None:
    with pytest.raises(RefusedError, match="upload it with a Content-Type"):
        content_type(key, "binary/octet-stream")
