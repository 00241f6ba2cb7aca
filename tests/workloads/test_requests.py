import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from room_detection.errors import RequestError
from room_detection.requests import S3Image, media_type, parse_s3_image

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("given_type", ["image/png", "IMAGE/PNG", " image/png ; charset=binary"])
def test_a_content_type_is_read_without_case_and_parameters(given_type: str | None) -> None:
    assert media_type(given_type) == "image/png"


@pytest.mark.parametrize("given_type", ["text/plain", "image/gif", "image", "png", "", None, "application/x-npy"])
def test_other_content_types_are_refused_with_what_is_accepted(given_type: str | None) -> None:
    with pytest.raises(RequestError, match="send image/png, image/jpeg, application/json") as caught:
        media_type(given_type)
    assert caught.value.status_code == 415


@given(st.text(min_size=1), st.text(min_size=1), st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_bucket_key_and_metadata_are_read(bucket: str, key: str, metadata: dict[str, Any]) -> None:
    body = json.dumps({"bucket": bucket, "key": key, "metadata": metadata}).encode()
    assert parse_s3_image(body) == S3Image(bucket, key, metadata)


def test_metadata_may_be_left_out() -> None:
    assert parse_s3_image(b'{"bucket": "b", "key": "k"}').metadata == {}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"bucket": NaN}', "no JSON"),
        (b"9" * 5000, "no JSON"),
        (b"[]", "no object"),
        (b'"text"', "no object"),
        (b'{"bucket": "b", "key": "k", "Metadata": {}}', "unknown key 'Metadata': allowed are bucket, key, metadata"),
        (b'{"key": "k"}', "bucket must be text"),
        (b'{"bucket": "b"}', "key must be text"),
        (b'{"bucket": 1, "key": "k"}', "bucket must be text"),
        (b'{"bucket": "b", "key": ""}', "key must be text that is not empty"),
        (b'{"bucket": "b", "key": "k", "metadata": [1]}', "metadata must be an object"),
        (b'{"bucket": "b", "key": "k", "metadata": null}', "metadata must be an object"),
    ],
)
def test_a_wrong_json_request_is_refused_with_one_sentence(body: bytes, complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint) as caught:
        parse_s3_image(body)
    assert caught.value.status_code == 400


def test_a_huge_json_request_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        parse_s3_image(b" " * 1_000_001)
    assert caught.value.status_code == 413
