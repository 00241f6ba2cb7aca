"""What the tracing of images makes of an environment that cannot be looked at."""

from typing import Any

import pytest

from glue.cloud import Cloud
from glue.errors import FailedError
from glue.images.tracing import trace_environment
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.terraform.deployment import Deployment

CLOUD = Cloud("local", "us-east-1", "111122223333", endpoint_url="http://127.0.0.1:1")
PROFILE = """\
environment: try
account_id: "111122223333"
endpoints:
  rooms: {workload: location_detector, instance_type: ml.m5.xlarge}
"""


@pytest.mark.parametrize("outputs", [{}, {"endpoints": {}}])
def test_where_nothing_is_deployed_the_chain_ends_before_it(
    outputs: dict[str, Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.envs_dir / "try.yaml").write_text(PROFILE)
    monkeypatch.setattr(Deployment, "outputs", lambda _: outputs)
    links = trace_environment(project, load_profile(project.envs_dir, "try"), CLOUD, Silent())["rooms"].links
    assert {link.name: link.message for link in links}["model"] == "nothing is deployed: glue apply"


def test_a_state_that_cannot_be_read_is_not_taken_for_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.envs_dir / "try.yaml").write_text(PROFILE)

    def outputs(_: Deployment) -> dict[str, Any]:
        raise FailedError("the state cannot be read")

    monkeypatch.setattr(Deployment, "outputs", outputs)
    with pytest.raises(FailedError, match="the state cannot be read"):
        trace_environment(project, load_profile(project.envs_dir, "try"), CLOUD, Silent())
