"""The model artifact: fetched from S3 and unpacked to what becomes `/opt/ml/model`."""

from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud import trees
from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Deadline
from glue.localcloud.sagemaker.errors import missing_model_data
from glue.s3_uris import split_s3_uri

_CHUNK = 1024 * 1024


def fetch(
    clients: Clients, scope: Scope, variant: str, container: dict[str, Any], *, folder: Path, limit: Deadline
) -> None:
    """Fill `folder` with the model data of `container`, read-only; leave it empty when the container names none.

    Archives (`ModelDataUrl`, or an S3Object with Gzip) are unpacked; a prefix is copied object by object.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html

    Raises:
        DeploymentError: there is no such object, it is not sound, or `limit` passed.
    """
    folder.mkdir(parents=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    url = container.get("ModelDataUrl") or source.get("S3Uri")
    if url is not None:
        try:
            bucket, key = split_s3_uri(url)
            s3 = clients.get(scope, "s3")
            if source.get("CompressionType") == "None":
                _copy_prefix(s3, bucket, key, folder, limit)
            else:
                with closing(s3.get_object(Bucket=bucket, Key=key)["Body"]) as archive:
                    trees.unpack(archive, folder, deadline=limit)
        except (ValueError, TimeoutError, OSError, ClientError, BotoCoreError) as error:
            raise missing_model_data(variant, url, str(error)) from error
    trees.make_read_only(folder)


def _copy_prefix(s3: Any, bucket: str, prefix: str, folder: Path, limit: Deadline) -> None:
    found = False
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            relative = PurePosixPath(entry["Key"].removeprefix(prefix))
            if entry["Key"].endswith("/"):
                continue
            if relative.is_absolute() or ".." in relative.parts or not relative.parts:
                raise ValueError(f"{entry['Key']}: not a path below the prefix")
            target = folder.joinpath(*relative.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file, closing(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"]) as body:
                for chunk in body.iter_chunks(_CHUNK):
                    if limit.passed:
                        raise TimeoutError("the download took too long")
                    file.write(chunk)
            found = True
    if not found:
        raise ValueError(f"no object below s3://{bucket}/{prefix}")
