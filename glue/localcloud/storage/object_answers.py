"""Where moto's S3 misleads clients about objects: keys in ListObjectVersions, and the checksums of copies.

Terraform's provider asks for URL-encoded keys when it empties a bucket, and ends at one that is none (`100%.png`).
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

import re
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

_KEYS = re.compile(r"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>(.*?)</\1>", re.DOTALL)
_END = "</ListVersionsResult>"


def install() -> None:
    """Make moto's S3 encode what it was asked to."""
    listed = S3Response.list_object_versions

    def list_object_versions(response: Any) -> Any:
        status, headers, body = listed(response)
        asked = response.querystring.get("encoding-type", [None])[0] == "url"
        return status, headers, encoded(body) if asked else body

    S3Response.list_object_versions = list_object_versions
    _tell_checksums_of_copies()


def _tell_checksums_of_copies() -> None:
    """Let a copy of an object that came in parts say that its checksum is of the parts, which clients do not check."""
    copy = S3Backend.copy_object

    def copy_object(backend: Any, src_key: Any, dest_bucket_name: str, dest_key_name: str, **options: Any) -> None:
        copy(backend, src_key, dest_bucket_name, dest_key_name, **options)
        made = backend.get_bucket(dest_bucket_name).keys[dest_key_name]
        made.checksum_type, made.checksum_parts = src_key.checksum_type, src_key.checksum_parts

    S3Backend.copy_object = copy_object


def encoded(document: str) -> str:
    """moto's answer with all keys URL-encoded."""

    def encode(found: re.Match[str]) -> str:
        text = unescape(found[2], {"&quot;": '"', "&apos;": "'", "&#x0D;": "\r", "&#x0A;": "\n"})
        return f"<{found[1]}>{quote(text)}</{found[1]}>"

    return _KEYS.sub(encode, document).replace(_END, f"<EncodingType>url</EncodingType>{_END}")
