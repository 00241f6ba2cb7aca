"""What a command works on: the project, the environment's profile and the cloud it lives in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glue.cloud import Cloud
    from glue.profiles import Profile
    from glue.project import Project


@dataclass(frozen=True)
class Context:
    """An environment, loaded and reachable."""

    project: "Project"
    profile: "Profile"
    cloud: "Cloud"


def load_context(environment: str) -> Context:
    """Load `environment` of the project around the current folder.

    Raises:
        GlueError: no project, a wrong profile, or a local cloud that is not running.
    """
    from glue.cloud import cloud_of
    from glue.profiles import load_profile
    from glue.project import find_project
    from glue.workloads import workload_names

    project = find_project()
    profile = load_profile(project.envs_dir, environment, workloads=workload_names(project.workloads_dir))
    return Context(project, profile, cloud_of(profile, project))
