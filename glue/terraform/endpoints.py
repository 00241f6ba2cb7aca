"""The endpoints that Terraform has deployed."""

from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint, deployed_endpoints
from glue.profiles import Profile
from glue.progress import Reporter
from glue.project import Project
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer


def read_deployed(project: Project, profile: Profile, cloud: Cloud, reporter: Reporter) -> dict[str, DeployedEndpoint]:
    """The endpoints that the platform layer of `profile` has deployed, by their key.

    Raises:
        FailedError: nothing is deployed.
        GlueError: the state cannot be read.
    """
    outputs = Deployment(project, profile, cloud, Layer.PLATFORM, reporter).outputs()
    return deployed_endpoints(outputs, profile.environment)
