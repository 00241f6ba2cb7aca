"""Addresses of S3 objects as people and SageMaker write them."""

import re

_S3_URI = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`.

    Raises:
        ValueError: it is none.
    """
    found = _S3_URI.fullmatch(uri)
    if not found:
        raise ValueError(f"{uri!r}: not an S3 URI: expected s3://bucket/key")
    return found[1], found[2]
