"""Fetches images from S3. Endpoint, region and credentials come from the standard AWS environment variables."""

from room_detection.errors import RequestError
from room_detection.requests import S3Image

MISSING = {"NoSuchKey", "NoSuchBucket", "404"}
FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "InvalidObjectState", "403"}
MISTAKEN = {"InvalidBucketName", "KeyTooLongError", "PermanentRedirect", "AuthorizationHeaderMalformed", "301"}


def fetch(image: S3Image, most_bytes: int) -> bytes:
    """Return an object's bytes.

    Raises RequestError: 404 where it is missing, 403 where this role may not read it, 400 for a name or region that
    cannot be right, 413 for more than `most_bytes`. Other failures are not the client's and are raised as they are.
    """
    # Imported here because most requests carry their image and should not wait for it.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415

    patience = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 3})
    client = boto3.client("s3", config=patience)
    where = f"s3://{image.bucket}/{image.key}"[:200]
    try:
        answer = client.get_object(Bucket=image.bucket, Key=image.key)
        with answer["Body"] as stream:
            if answer["ContentLength"] > most_bytes:
                raise RequestError(
                    413, f"{where} has {answer['ContentLength']} bytes: at most {most_bytes} are allowed"
                )
            return bytes(stream.read())
    except ParamValidationError:
        raise RequestError(400, f"{where} is no valid name of an object in S3") from None
    except ClientError as error:
        raise _explained(error.response.get("Error", {}).get("Code", ""), where) or error from None
    finally:
        client.close()


def _explained(code: str, where: str) -> RequestError | None:
    if code in MISSING:
        return RequestError(404, f"{where} does not exist")
    if code in FORBIDDEN:
        return RequestError(403, f"{where} may not be read by this endpoint's role, or does not exist")
    if code in MISTAKEN:
        return RequestError(400, f"{where} cannot be read from this region or under this name ({code})")
    return None
