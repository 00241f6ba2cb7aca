from dataclasses import replace

import pytest

from glue.images.chain import Facts, chain

URL = "000000000000.dkr.ecr.us-east-1.amazonaws.com/detector"
ONE, OTHER = f"{URL}@sha256:{'1' * 64}", f"{URL}@sha256:{'2' * 64}"
SOUND = Facts(
    checkout="abc",
    released_revision="abc",
    changed=(),
    released=ONE,
    engine="docker",
    local_image="sha256:9",
    local_digests=(ONE,),
    in_registry=True,
    registry_tags=("1.0.0-abc",),
    model=ONE,
    running=(ONE,),
)


def test_a_chain_whose_digests_agree_is_whole() -> None:
    found = chain(SOUND)
    assert [link.verdict for link in found.links] == ["ok"] * 6
    assert not found.broken
    assert found.document["broken_at"] is None


@pytest.mark.parametrize(
    ("change", "link"),
    [
        ({"changed": ("container/Dockerfile",)}, "source"),
        ({"released": None, "in_registry": None}, "release"),
        ({"local_digests": (OTHER,)}, "local image"),
        ({"local_digests": ()}, "local image"),
        ({"in_registry": False}, "registry"),
        ({"model": OTHER, "running": (OTHER,)}, "model"),
        ({"running": (OTHER,)}, "endpoint"),
        ({"running": (ONE, OTHER)}, "endpoint"),
        ({"running": ()}, "endpoint"),
    ],
)
def test_the_link_that_does_not_fit_is_where_it_breaks(change: dict[str, object], link: str) -> None:
    assert chain(replace(SOUND, **change)).document["broken_at"] == link  # type: ignore[arg-type]


def test_what_nobody_can_tell_breaks_nothing() -> None:
    facts = replace(SOUND, engine=None, local_image=None, local_digests=(), model=None, running=(), changed=None)
    found = chain(facts)
    assert not found.broken
    assert [link.verdict for link in found.links] == ["unknown", "ok", "unknown", "ok", "unknown", "unknown"]
