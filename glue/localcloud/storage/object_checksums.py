"""The checksums of S3 objects that moto takes on trust or does not tell: a wrong SHA-256 is refused, parts have theirs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
"""

import base64
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

from glue.localcloud.storage.contents import Content

_HEADER = "x-amz-checksum-sha256"


class _BadDigest(S3ClientError):  # type: ignore[misc]  # noqa: N818 - S3's name
    def __init__(self) -> None:
        super().__init__("BadDigest", "The SHA256 you specified did not match the calculated checksum.")


def install() -> None:
    """Make moto's S3 compare and remember; it has no setting for that."""
    for name in ("put_object", "upload_part"):
        setattr(S3Response, name, _comparing(getattr(S3Response, name)))
    S3Response.list_parts = _list_parts


def _comparing(plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(plain)
    def compared(response: Any) -> Any:
        declared = response.headers.get(_HEADER)
        if declared and declared != _sha256(response.body):
            raise _BadDigest
        return plain(response)

    return compared


def _sha256(body: bytes | Content) -> str:
    digest = hashlib.sha256()
    for piece in [body] if isinstance(body, bytes) else body:
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode("ascii")


def _list_parts(response: Any) -> Any:
    upload_id = response._get_param("uploadId")
    marker = response._get_int_param("part-number-marker", 0)
    most = min(response._get_int_param("max-parts", 1000), 1000)
    response.backend.list_parts(response.bucket_name, upload_id)  # refuses an upload that is not there
    upload = response.backend.get_bucket(response.bucket_name).multiparts[upload_id]
    left = [upload.parts[number] for number in upload.partlist if number > marker]
    shown = left[:most]
    algorithm = upload.metadata.get("x-amz-checksum-algorithm")
    response.data["Action"] = "ListParts"
    return response.serialized(
        ActionResult(
            {
                "Bucket": response.bucket_name,
                "Key": response.parse_key_name(),
                "UploadId": upload_id,
                "StorageClass": "STANDARD",
                "PartNumberMarker": marker,
                "NextPartNumberMarker": shown[-1].name if shown else 0,
                "MaxParts": most,
                "IsTruncated": len(left) > len(shown),
                "ChecksumAlgorithm": algorithm,
                "Parts": [
                    {
                        "PartNumber": part.name,
                        "LastModified": part.last_modified_ISO8601,
                        "ETag": part.etag,
                        "Size": part.size,
                        **({"ChecksumSHA256": _sha256(part.value)} if algorithm == "SHA256" else {}),
                    }
                    for part in shown
                ],
            }
        )
    )
