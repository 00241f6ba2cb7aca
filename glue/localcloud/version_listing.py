"""ListObjectVersions with URL-encoded keys, which moto does not know: a key that is none (`100%.png`) breaks clients.

Terraform's provider asks for it when it empties a bucket.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

import re
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

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


def encoded(document: str) -> str:
    """moto's answer with all keys URL-encoded."""

    def encode(found: re.Match[str]) -> str:
        text = unescape(found[2], {"&quot;": '"', "&apos;": "'", "&#x0D;": "\r", "&#x0A;": "\n"})
        return f"<{found[1]}>{quote(text)}</{found[1]}>"

    return _KEYS.sub(encode, document).replace(_END, f"<EncodingType>url</EncodingType>{_END}")
