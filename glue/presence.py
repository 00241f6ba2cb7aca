"""Whether everything that a release names by digest is really there, and stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from glue.artifacts import upload
from glue.cloud import Cloud
from glue.errors import FailedError
from glue.images import ecr
from glue.releases import EndpointRelease, Promoted, Release

_PARALLEL = 16  # look-ups at the same time: each waits for an answer most of its time


def check_present(release: Release, cloud: Cloud) -> None:
    """Look up every image and artifact of `release` where its address says it lies, other accounts included.

    Raises:
        FailedError: something is not there or may go; the message names it, and the endpoint that needs it.
    """
    looks: list[tuple[str, str, Callable[[], str | None]]] = []
    for key, entry in sorted(release.endpoints.items()):
        if entry.image:
            looks.append((key, "image", partial(ecr.missing, entry.image, cloud)))
        if entry.artifact:
            looks.append((key, "artifact", partial(upload.missing, entry.artifact, cloud)))
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="present") as pool:
        answers = list(pool.map(lambda look: look[-1](), looks))
    missing = [(key, kind, answer) for (key, kind, _), answer in zip(looks, answers, strict=True) if answer]
    if missing:
        problems = [f"endpoint {key}: {problem}" for key, _, problem in missing]
        hints = [_remedy(kind, key, release, release.endpoints[key]) for key, kind, _ in missing]
        raise FailedError("\n".join(["the release names what is not there, or will not stay:", *problems]), hints=hints)


def _remedy(kind: str, key: str, release: Release, entry: EndpointRelease) -> str:
    if isinstance(entry.origin, Promoted):
        return f"push the {kind} in {entry.origin.environment}, verify there, and promote again"
    return f"glue {kind} push --env {release.environment} --endpoint {key}"
