"""Addresses of S3 objects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.s3_uris import split_s3_uri


@given(st.from_regex(r"[a-z0-9.-]{3,63}", fullmatch=True), st.text(min_size=1))
def test_an_s3_uri_is_read_back(bucket: str, key: str) -> None:
    assert split_s3_uri(f"s3://{bucket}/{key}") == (bucket, key)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key", "bucket/key", ""])
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 URI: expected s3://bucket/key"):
        split_s3_uri(uri)
