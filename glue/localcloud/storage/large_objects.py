"""Large S3 objects without large memory: moto holds every body as `bytes`, several times over.

Bodies above `LARGE` are written to files while they arrive, and moto gets a `Content` in place of `bytes`; it is
streamed when it is read. Smaller ones stay as moto has them.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

import base64
import codecs
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import FakeKey, FakeMultipart
from moto.s3.responses import S3Response
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from glue.localcloud.storage.contents import CHUNK, Content, Contents

LARGE = 1024 * 1024
"""Bytes from which on a body goes to a file."""

_LINE = 8 * 1024
_DECODED_LENGTH = "x-amz-decoded-content-length"


def install(contents: Contents) -> None:
    """Make moto's S3 take and give contents; it has no setting for that."""
    _receive_into(contents)
    _keep_in_keys()
    _join_parts(contents)


def _receive_into(contents: Contents) -> None:
    set_up = S3Response.setup_class

    def setup_class(response: Any, request: Any, *arguments: Any, **options: Any) -> None:
        body = None
        if request.method == "PUT" and (request.content_length or 0) > LARGE:
            body = _receive(request, contents)
        set_up(response, request, *arguments, **options)  # finds the stream at its end
        if body is not None:
            response.body = response.raw_body = body

    S3Response.setup_class = setup_class


def _receive(request: Any, contents: Contents) -> Content | bytes:
    """The body of an upload. What a chunked one says at its end becomes headers, as if it had come first."""
    if _DECODED_LENGTH not in request.headers:
        content = contents.write(iter(lambda: request.stream.read(CHUNK), b""))
    else:
        trailers: dict[str, str] = {}
        content = contents.write(dechunked(request.stream, trailers))
        while request.stream.read(_LINE):
            pass
        for name, value in trailers.items():
            if name.startswith("x-amz-checksum-"):
                request.environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        request.environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"  # there are no chunks left to be decoded
    algorithm = request.headers.get("x-amz-sdk-checksum-algorithm", "").lower()
    told = not algorithm or f"x-amz-checksum-{algorithm}" in request.headers
    return content if told else bytes(content)  # moto computes the one that it was not told, in memory


def dechunked(stream: IO[bytes], trailers: dict[str, str]) -> Iterator[bytes]:
    """The data of an `aws-chunked` body; fills `trailers` with the header lines that follow it, in lower case.

    Raises:
        ValueError: it is not chunked as its headers say.
    """
    while size := int(stream.readline(_LINE).partition(b";")[0], 16):
        while size:
            piece = stream.read(min(size, CHUNK))
            if not piece:
                raise ValueError("the body ended within a chunk")
            size -= len(piece)
            yield piece
        stream.readline(_LINE)
    while line := stream.readline(_LINE).strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _keep_in_keys() -> None:
    plain: Any = FakeKey.value
    dispose = FakeKey.dispose

    def get(key: Any) -> bytes | Content:
        held: bytes | Content = getattr(key, "_content", None) or plain.fget(key)
        return held

    def put(key: Any, value: bytes | Content) -> None:
        if isinstance(value, Content):
            key._content, key.contentsize = value, len(value)
            key._etag = key._etag or _md5(value)
        else:
            key._content = None
            plain.fset(key, value)

    def let_go(key: Any, *arguments: Any, **options: Any) -> None:
        dispose(key, *arguments, **options)
        key._content = None

    FakeKey.value = property(get, put)
    FakeKey.dispose = let_go


def _md5(content: Content) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()


def _join_parts(contents: Contents) -> None:
    in_memory = FakeMultipart.complete

    def complete(upload: Any, body: Iterator[tuple[int, str]]) -> tuple[Any, str, Any]:
        listed = list(body)
        if sum(part.contentsize for part in upload.parts.values()) <= LARGE:
            joined: tuple[Any, str, Any] = in_memory(upload, iter(listed))
            return joined
        parts = _checked(upload, listed)
        algorithm = upload.metadata.get("x-amz-checksum-algorithm") or ""
        kind = upload.metadata.get("x-amz-checksum-type") or "COMPOSITE"
        of_parts, of_all = _checksum(algorithm), _checksum(algorithm)
        etag = hashlib.md5(usedforsecurity=False)

        def pieces() -> Iterator[bytes]:
            for part in parts:
                etag.update(codecs.decode(part.etag.strip('"'), "hex"))
                of_part = _checksum(algorithm)
                for piece in [part.value] if isinstance(part.value, bytes) else part.value:
                    for look in (of_part, of_all):
                        look and look(piece)
                    yield piece
                if of_parts and of_part:
                    of_parts(of_part(b""))

        value = contents.write(pieces())
        checksum = of_parts if kind == "COMPOSITE" else of_all
        told = (kind, base64.b64encode(checksum(b"")).decode(), len(parts)) if checksum else None
        return value, f"{etag.hexdigest()}-{len(parts)}", told

    FakeMultipart.complete = complete


def _checked(upload: Any, listed: list[tuple[int, str]]) -> list[Any]:
    """The parts that make up the object, as S3 checks them."""
    if not listed:
        raise MalformedXML
    parts = [upload.parts.get(number) for number, _ in listed]
    for part, (_, etag) in zip(parts, listed, strict=True):
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
    if any(part.contentsize < S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
        raise EntityTooSmall
    return parts


def _checksum(algorithm: str) -> Callable[[bytes], bytes] | None:
    """Takes pieces and answers the checksum so far; None for an algorithm that the standard library does not have."""
    if algorithm == "CRC32":
        value = 0

        def crc32(piece: bytes) -> bytes:
            nonlocal value
            value = zlib.crc32(piece, value)
            return value.to_bytes(4, "big")

        return crc32
    if algorithm not in {"SHA1", "SHA256"}:
        return None
    digest = hashlib.new(algorithm.lower(), usedforsecurity=False)

    def update(piece: bytes) -> bytes:
        digest.update(piece)
        return digest.digest()

    return update
