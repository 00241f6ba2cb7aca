"""What Terraform is told of what a profile asks for."""

from typing import Any

import pytest

from docs import module_pages
from glue.cloud import Cloud
from glue.functions import package
from glue.profiles import Profile, load_profile
from glue.project import Project
from glue.releases import Release, Source, with_image
from glue.rendering import platform_variables, registry_variables
from tests.conftest import ROOT

PROFILE = """\
environment: try
account_id: "111122223333"
endpoints:
  rooms: {workload: location_detector, instance_type: ml.m5.xlarge, trigger: {suffixes: [.png]}}
  walls: {workload: location_detector, instance_type: ml.m5.xlarge}
"""
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/async-inference/location_detector@sha256:{'a' * 64}"


CLOUD = Cloud("local", "us-east-1", "111122223333", endpoint_url="http://127.0.0.1:1")


def profile(project: Project, more: str = "") -> Profile:
    (project.envs_dir / "try.yaml").write_text(PROFILE + more)
    return load_profile(project.envs_dir, "try")


def rendered(project: Project, more: str = "", **options: Any) -> dict[str, Any]:
    release = Release(environment="try")
    for key in ("rooms", "walls"):
        release = with_image(release, key, IMAGE, Source("location_detector", "1.0.0", "revision"))
    return platform_variables(profile(project, more), CLOUD, release, **options)


def test_a_trigger_says_where_its_uploads_go(project: Project) -> None:
    endpoints = rendered(project)["endpoints"]
    assert endpoints["rooms"]["trigger"] == {
        "prefix": "rooms/uploads/",
        "suffixes": [".png"],
        "reserved_concurrency": 5,
    }
    assert endpoints["walls"]["trigger"] is None


def test_data_goes_by_the_prefix_of_each_endpoint_and_kind(project: Project) -> None:
    assert rendered(project)["data_expiry"] == {}
    assert rendered(project, "data_expiry_days: {inputs: 30, uploads: 9}\n")["data_expiry"] == {
        "days_by_prefix": {
            "rooms/inputs/": 30,
            "rooms/receipts/": 9,
            "rooms/uploads/": 9,
            "walls/inputs/": 30,
            "walls/receipts/": 9,
        },
        "noncurrent_days": 7,
    }


def test_what_no_kind_names_goes_where_the_profile_says_so(project: Project) -> None:
    kinds = "inputs: 30, uploads: 9, results: 90, failures: 60"
    without = rendered(project, f"data_expiry_days: {{{kinds}}}\n")["data_expiry"]["days_by_prefix"]
    told = rendered(project, f"data_expiry_days: {{{kinds}, others: 90}}\n")["data_expiry"]["days_by_prefix"]
    assert told == without | {"": 90}


def test_the_roots_declare_all_that_they_are_told(project: Project) -> None:
    told = {"platform": rendered(project), "registry": registry_variables(profile(project), CLOUD, [])}
    for root, values in told.items():
        declared = {one.name for one in module_pages.variables(ROOT / "terraform" / root)}
        assert values.keys() <= declared, root  # Terraform itself only warns


def test_uploads_that_nobody_completed_end_unless_a_profile_says_never(project: Project) -> None:
    never = "abort_uploads_days: null\n"
    assert rendered(project)["abort_uploads_days"] == 7
    assert rendered(project, never)["abort_uploads_days"] is None
    usual, keeping = profile(project), profile(project, never)
    assert registry_variables(keeping, CLOUD, [])["abort_uploads_days"] is None
    assert registry_variables(keeping, CLOUD, [usual])["abort_uploads_days"] == 7


@pytest.mark.parametrize(
    ("profile_says", "needed", "isolated"),
    [("null", True, False), ("null", False, True), ("true", True, True), ("false", False, False)],
)
def test_a_container_has_a_network_when_its_workload_needs_one_unless_the_profile_says_otherwise(
    project: Project, profile_says: str, *, needed: bool, isolated: bool
) -> None:
    source = Source("location_detector", "1.0.0", "revision", needs_network=needed)
    (project.envs_dir / "try.yaml").write_text(
        PROFILE.split("  walls", maxsplit=1)[0].replace(
            "trigger: {suffixes: [.png]}", f"network_isolation: {profile_says}"
        )
    )
    release = with_image(Release(environment="try"), "rooms", IMAGE, source)
    variables = platform_variables(load_profile(project.envs_dir, "try"), CLOUD, release)
    assert variables["endpoints"]["rooms"]["network_isolation"] is isolated


def test_the_functions_code_is_named_by_its_digest(project: Project) -> None:
    made = package(Project(ROOT), "upload_trigger")
    variables = rendered(project, upload_trigger=made)
    assert variables["upload_trigger_package"] == {"file": made.path, "source_code_hash": made.source_code_hash}
    assert rendered(project)["upload_trigger_package"] is None
