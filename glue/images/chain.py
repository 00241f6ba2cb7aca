"""The chain from sources to running instances: each link is one digest or revision, and where they differ it breaks.

Pure: what was found goes in, the links with their verdicts come out.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["ok", "broken", "unknown"]


@dataclass(frozen=True)
class Facts:
    """What was found about one endpoint's image. None: nothing, or nobody could tell.

    `changed` are the files that go into the image and differ from the revision that the release was made from.
    `released` is `repository@sha256:…`; `local_digests` are those that the engine's image of the same revision has.
    """

    checkout: str
    released_revision: str | None
    changed: tuple[str, ...] | None
    released: str | None
    engine: str | None
    local_image: str | None
    local_digests: tuple[str, ...]
    in_registry: bool | None
    registry_tags: tuple[str, ...]
    model: str | None
    running: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """One link: what it is, and whether it is what the link before it promises."""

    name: str
    verdict: Verdict
    value: str
    message: str


@dataclass(frozen=True)
class Chain:
    """The links of one endpoint, from the sources on."""

    links: tuple[Link, ...]

    @property
    def broken(self) -> bool:
        """Whether a link does not fit."""
        return any(link.verdict == "broken" for link in self.links)

    @property
    def document(self) -> dict[str, Any]:
        """It as plain data, with the first link that is broken."""
        first = next((link.name for link in self.links if link.verdict == "broken"), None)
        return {"broken_at": first, "links": [asdict(link) for link in self.links]}


def chain(facts: Facts) -> Chain:
    """The links that `facts` make."""
    return Chain(tuple(_links(facts)))


def _links(facts: Facts) -> Iterator[Link]:
    yield _source(facts)
    yield _release(facts)
    yield _local(facts)
    yield _registry(facts)
    yield _model(facts)
    yield _endpoint(facts)


def _source(facts: Facts) -> Link:
    revision = facts.released_revision
    if facts.changed is None:
        made_from = f"the release was made from {revision}, which is no commit of this checkout"
        return Link("source", "unknown", facts.checkout, made_from if revision else "there is no release")
    if facts.changed:
        more = f" and {len(facts.changed) - 1} more" if len(facts.changed) > 1 else ""
        return Link(
            "source",
            "broken",
            facts.checkout,
            f"since {revision}, which the release was made from, {facts.changed[0]}{more} changed, which is not in the "
            "image; glue image push",
        )
    return Link("source", "ok", facts.checkout, f"what goes into the image is as in {revision}")


def _release(facts: Facts) -> Link:
    if facts.released is None:
        return Link("release", "broken", "none", "there is no image in the release: glue image push")
    return Link("release", "ok", facts.released, "named by digest")


def _local(facts: Facts) -> Link:
    if facts.engine is None:
        return Link("local image", "unknown", "none", "no container engine to ask")
    if facts.local_image is None:
        return Link("local image", "unknown", "none", f"{facts.engine} has no image of the released revision")
    if _digest(facts.released) not in {_digest(one) for one in facts.local_digests}:
        return Link(
            "local image", "broken", facts.local_image, "it was never pushed, or another one was: glue image push"
        )
    return Link("local image", "ok", facts.local_image, "pushed under the released digest")


def _registry(facts: Facts) -> Link:
    digest = _digest(facts.released)
    if facts.in_registry is None:
        return Link("registry", "unknown", digest, "nothing is released")
    if not facts.in_registry:
        return Link("registry", "broken", digest, "the registry does not have the released digest: glue image push")
    return Link("registry", "ok", digest, f"tagged {', '.join(facts.registry_tags) or 'by nothing'}")


def _model(facts: Facts) -> Link:
    if facts.model is None:
        return Link("model", "unknown", "none", "nothing is deployed: glue apply")
    if facts.model != facts.released:
        return Link("model", "broken", facts.model, "the model names another image than the release: glue apply")
    return Link("model", "ok", _digest(facts.model), "CreateModel got the released image")


def _endpoint(facts: Facts) -> Link:
    if not facts.running:
        verdict: Verdict = "unknown" if facts.model is None else "broken"
        return Link("endpoint", verdict, "none", "the endpoint does not say which image its instances run")
    shown = ", ".join(sorted({_digest(one) for one in facts.running}))
    if {_digest(one) for one in facts.running} != {_digest(facts.model)}:
        return Link(
            "endpoint",
            "broken",
            shown,
            "the instances run another image than the model names: an update is under way, or was rolled back",
        )
    return Link("endpoint", "ok", shown, "every instance runs it")


def _digest(image: str | None) -> str:
    return (image or "none").rpartition("@")[2]
