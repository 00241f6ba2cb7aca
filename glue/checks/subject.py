"""What is verified: an endpoint as profile, release, Terraform and workload describe it."""

from dataclasses import dataclass

from glue.deployed import DeployedEndpoint
from glue.profiles import Endpoint
from glue.releases import EndpointRelease
from glue.workloads.golden import GoldenCase


@dataclass(frozen=True)
class Subject:
    """One endpoint, `key` in the profile."""

    key: str
    profile: Endpoint
    release: EndpointRelease
    deployed: DeployedEndpoint
    cases: list[GoldenCase]
