"""Model artifacts in S3, each at keys that are made of its content and therefore never overwritten.

CreateModel takes no object version, so the key itself must stand for the content.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from glue.artifacts.packing import Packed
from glue.aws.objects import PARALLEL, Place, current_versions, find, holds, put
from glue.cloud import Cloud
from glue.errors import FailedError
from glue.progress import Reporter, mebibytes
from glue.releases import Artifact
from glue.s3_uris import split_s3_uri
from glue.workloads import ARCHIVE_MANIFEST

_FILES = 8
"""Files that are on their way at once."""
_CONTENT_TYPES = {".gz": "application/gzip", ".json": "application/json"}


def push(packed: Packed, workload: str, bucket: str, cloud: Cloud, reporter: Reporter) -> Artifact:
    """Put the artifact into `bucket` below `<workload>/<sha256>/`; what lies there already is left as it is.

    S3 compares the SHA-256 of each part as it arrives, and what S3 says of each object is compared with the file. An
    upload that broke off is resumed. The last file is written when all others are there.

    Raises:
        FailedError: a key holds something else, a file changed meanwhile, or the bucket keeps no versions.
    """
    prefix = f"{workload}/{packed.sha256}/"
    places = {path: Place(bucket, prefix + path, owner=cloud.account_id) for path in packed.files}
    uri = places[packed.last].uri if packed.form == "archive" else f"s3://{bucket}/{prefix}"
    reporter.step(f"pushing {workload} to {uri}")
    pushing = _Pushing(cloud.client("s3", connections=_FILES * PARALLEL), packed, reporter)
    with ThreadPoolExecutor(_FILES, thread_name_prefix="push") as pool:
        others = [path for path in packed.files if path != packed.last]
        try:
            versions = dict(zip(others, pool.map(lambda path: pushing.file(path, places[path]), others), strict=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    version = pushing.file(packed.last, places[packed.last])
    pushing.tell()
    return Artifact(uri=uri, version_id=version, sha256=packed.sha256, manifest=packed.manifest, file_versions=versions)


class _Pushing:
    """One artifact on its way, file by file, in several threads."""

    def __init__(self, client: Any, packed: Packed, reporter: Reporter) -> None:
        self._client = client
        self._packed = packed
        self._reporter = reporter
        self._total = sum(digest.size for digest in packed.digests.values())
        self._done = 0
        self._there = 0
        self._resumed = 0
        self._lock = Lock()

    def file(self, path: str, place: Place) -> str:
        """Bring one file to its place; the version that lies there afterwards."""
        source, digest = self._packed.files[path], self._packed.digests[path]
        found = find(self._client, place)
        if found is None:
            kind = _CONTENT_TYPES.get(source.suffix, "application/octet-stream")
            resumed = put(self._client, source, digest, place, content_type=kind, on_bytes=self._count)
            with self._lock:
                self._resumed += resumed
            found = find(self._client, place)
        else:
            with self._lock:
                self._there += 1
            self._count(digest.size)
        if found is None:
            raise FailedError(f"{place.uri}: not there after the upload: was it deleted meanwhile?")
        if not holds(found, digest):
            raise FailedError(
                f"{place.uri}: holds other content than its name says",
                hints=["something else than glue has written it: find out what, delete the object, and push again"],
            )
        version = found.get("VersionId")
        if not version or version == "null":
            raise FailedError(f"s3://{place.bucket}: keeps no versions", hints=["apply the registry layer again"])
        return str(version)

    def tell(self) -> None:
        """Say what did not have to be sent."""
        if self._there == len(self._packed.files):
            self._reporter.note("it is there already")
        elif self._there:
            self._reporter.note(f"{self._there} of {len(self._packed.files)} files were there already")
        if self._resumed:
            self._reporter.note(f"went on with an upload that broke off after {mebibytes(self._resumed)} MiB")

    def _count(self, size: int) -> None:
        with self._lock:
            self._done += size
            self._reporter.progress("uploading (MiB)", mebibytes(self._done), mebibytes(self._total))


def missing(artifact: Artifact, cloud: Cloud) -> str | None:
    """Why an endpoint could not load `artifact`, as a sentence; None when exactly its versions are what lies there."""
    bucket, key = split_s3_uri(artifact.uri)
    client = cloud.client("s3")
    if artifact.form == "archive":
        found = find(client, Place(bucket, key))
        current = {"": found.get("VersionId", "null")} if found else {}
        wanted = {"": artifact.version_id}
    else:
        current = current_versions(client, bucket, key)
        wanted = artifact.file_versions | {ARCHIVE_MANIFEST: artifact.version_id}
    for path in sorted(wanted.keys() | current.keys()):
        if path not in current:
            return f"{artifact.uri}{path} is not there"
        if current[path] != wanted.get(path):
            return f"{artifact.uri}{path} has version {current[path]}, the release says {wanted.get(path, 'nothing')}"
    return None
