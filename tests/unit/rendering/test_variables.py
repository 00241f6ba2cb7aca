"""What Terraform is told of endpoints with a trigger and without."""

from typing import Any

from glue.cloud import Cloud
from glue.functions import package
from glue.profiles import load_profile
from glue.project import Project
from glue.releases import Release, Source, with_image
from glue.rendering import platform_variables
from tests.conftest import ROOT

PROFILE = """\
environment: try
account_id: "111122223333"
endpoints:
  rooms: {workload: location_detector, instance_type: ml.m5.xlarge, trigger: {suffixes: [.png]}}
  walls: {workload: location_detector, instance_type: ml.m5.xlarge}
"""
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/async-inference/location_detector@sha256:{'a' * 64}"


def rendered(project: Project, **options: Any) -> dict[str, Any]:
    (project.envs_dir / "try.yaml").write_text(PROFILE)
    release = Release(environment="try")
    for key in ("rooms", "walls"):
        release = with_image(release, key, IMAGE, Source("location_detector", "1.0.0", "revision"))
    cloud = Cloud("local", "us-east-1", "111122223333", endpoint_url="http://127.0.0.1:1")
    return platform_variables(load_profile(project.envs_dir, "try"), cloud, release, **options)


def test_a_trigger_says_where_its_uploads_go(project: Project) -> None:
    endpoints = rendered(project)["endpoints"]
    assert endpoints["rooms"]["trigger"] == {
        "prefix": "rooms/uploads/",
        "suffixes": [".png"],
        "reserved_concurrency": 5,
    }
    assert endpoints["walls"]["trigger"] is None


def test_the_functions_code_is_named_by_its_digest(project: Project) -> None:
    made = package(Project(ROOT), "upload_trigger")
    variables = rendered(project, upload_trigger=made)
    assert variables["upload_trigger_package"] == {"file": made.path, "source_code_hash": made.source_code_hash}
    assert rendered(project)["upload_trigger_package"] is None
