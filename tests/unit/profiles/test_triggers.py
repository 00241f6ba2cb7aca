"""Triggers in a profile: which uploads belong to which endpoint, and what cannot be."""

from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.profiles import Profile, load_profile
from glue.project import Project

GOOD = """\
environment: try
account_id: "111122223333"
endpoints:
  rooms:
    workload: location_detector
    instance_type: ml.m5.xlarge
    trigger: TRIGGER
  walls:
    workload: location_detector
    instance_type: ml.m5.xlarge
"""


def load(project: Project, trigger: str, *, walls: str | None = None) -> Profile:
    text = GOOD.replace("TRIGGER", trigger)
    Path(project.envs_dir / "try.yaml").write_text(text + (f"    trigger: {walls}\n" if walls else ""))
    return load_profile(project.envs_dir, "try")


def test_an_endpoint_has_no_trigger_unless_it_says_so(project: Project) -> None:
    profile = load(project, "{}")
    assert profile.endpoints["walls"].trigger is None
    assert profile.upload_prefix("walls") is None


def test_uploads_go_to_a_folder_of_the_endpoint_unless_another_is_named(project: Project) -> None:
    assert load(project, "{}").upload_prefix("rooms") == "rooms/uploads/"
    assert load(project, "{prefix: blueprints/2026/}").upload_prefix("rooms") == "blueprints/2026/"


def test_two_endpoints_may_have_folders_beside_each_other(project: Project) -> None:
    profile = load(project, "{prefix: plans/rooms/}", walls="{prefix: plans/walls/, suffixes: [.png, .tar.gz]}")
    assert profile.upload_prefix("walls") == "plans/walls/"


@pytest.mark.parametrize(
    ("trigger", "field", "words"),
    [
        ("{prefix: blueprints}", "trigger.prefix", "blueprints"),
        ("{prefix: /}", "trigger.prefix", "/"),
        ("{prefix: /blueprints/}", "trigger.prefix", "/blueprints/"),
        ("{prefix: 'blue*/'}", "trigger.prefix", "blue"),
        ("{prefix: 'blue prints/'}", "trigger.prefix", "blue prints"),
        (f"{{prefix: {'a' * 256}/}}", "trigger.prefix", "256"),
        ("{suffixes: [png]}", "trigger.suffixes.0", "png"),
        ("{suffixes: ['.p*']}", "trigger.suffixes.0", "p"),
        ("{suffixes: [.a.b.c]}", "trigger.suffixes.0", ".a.b.c"),
        ("{suffixes: .png}", "trigger.suffixes", "list"),
        ("{suffixes: [.png, .jpg, .png]}", "trigger.suffixes", "each suffix once"),
        (f"{{suffixes: [{', '.join(f'.a{n}' for n in range(17))}]}}", "trigger.suffixes", "16"),
        ("{reserved_concurrency: 0}", "trigger.reserved_concurrency", "0"),
        ("{suffix: .png}", "trigger.suffix", "allowed is one of"),
        ("{prefix: rooms/}", "trigger.prefix", "overlaps with rooms/inputs/"),
        ("{prefix: rooms/results/late/}", "trigger.prefix", "overlaps with rooms/results/"),
        ("{prefix: walls/receipts/}", "trigger.prefix", "overlaps with walls/receipts/"),
    ],
)
def test_a_mistake_is_named_with_line_field_and_value(project: Project, trigger: str, field: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(project, trigger)
    found = [line for line in caught.value.message.splitlines() if f"endpoints.rooms.{field}" in line and words in line]
    assert found, caught.value.message
    assert found[0].startswith(f"{project.envs_dir / 'try.yaml'}:7: ")


@pytest.mark.parametrize(
    ("rooms", "walls"),
    [
        ("{prefix: plans/}", "{prefix: plans/}"),
        ("{prefix: plans/}", "{prefix: plans/walls/}"),
        ("{prefix: plans/rooms/}", "{prefix: plans/}"),
        ("{prefix: walls/uploads/}", "{}"),
    ],
)
def test_an_upload_belongs_to_one_endpoint(project: Project, rooms: str, walls: str) -> None:
    with pytest.raises(UsageError, match=r"of endpoint (rooms|walls): an upload has one endpoint"):
        load(project, rooms, walls=walls)


def test_a_folder_that_only_begins_alike_is_another(project: Project) -> None:
    assert load(project, "{prefix: plans/}", walls="{prefix: plans-of-walls/}")


def test_an_endpoint_with_a_trigger_has_a_name_that_leaves_room_for_its_function(project: Project) -> None:
    def load_long(key: str) -> Profile:
        text = GOOD.replace("environment: try", "environment: trial-of-one").replace("TRIGGER", "{}")
        (project.envs_dir / "trial-of-one.yaml").write_text(text.replace("rooms:", f"{key}:"))
        return load_profile(project.envs_dir, "trial-of-one")

    fitting = "a-door-that-leads-to-a-roof"
    assert len(f"async-inference-trial-of-one-{fitting}") == 56
    assert load_long(fitting)
    with pytest.raises(UsageError, match=r"has 57 characters: allowed are 56 with a trigger"):
        load_long(f"{fitting}s")
