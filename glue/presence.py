"""Whether everything that a release names by digest is really there, and stays."""

from glue.artifacts import upload
from glue.cloud import Cloud
from glue.errors import FailedError
from glue.images import ecr
from glue.releases import EndpointRelease, Promoted, Release


def check_present(release: Release, cloud: Cloud) -> None:
    """Look up every image and artifact of `release` where its address says it lies, other accounts included.

    Raises:
        FailedError: something is not there or may go; the message names it, and the endpoint that needs it.
    """
    problems: list[str] = []
    hints: list[str] = []
    for key, entry in sorted(release.endpoints.items()):
        for kind, problem in (
            ("image", ecr.missing(entry.image, cloud) if entry.image else None),
            ("artifact", upload.missing(entry.artifact, cloud) if entry.artifact else None),
        ):
            if problem:
                problems.append(f"endpoint {key}: {problem}")
                hints.append(_remedy(kind, key, release, entry))
    if problems:
        raise FailedError("\n".join(["the release names what is not there, or will not stay:", *problems]), hints=hints)


def _remedy(kind: str, key: str, release: Release, entry: EndpointRelease) -> str:
    if isinstance(entry.origin, Promoted):
        return f"push the {kind} in {entry.origin.environment}, verify there, and promote again"
    return f"glue {kind} push --env {release.environment} --endpoint {key}"
