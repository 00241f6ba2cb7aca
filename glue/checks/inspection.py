"""The checks that only look: what is deployed against what was declared."""

from functools import cache

from glue.checks import verdicts
from glue.checks.facts import EndpointFacts, ModelFacts, endpoint_facts, model_facts, scaling_facts
from glue.checks.plan import Planned
from glue.checks.subject import Subject
from glue.cloud import Cloud

ACCOUNT_REGION = "account-region"
IN_SERVICE = "endpoint-in-service"


def inspections(subject: Subject, cloud: Cloud) -> list[Planned]:
    """The checks of `subject` that send no request, cheapest first; facts are collected when first needed, once."""
    deployed, release = subject.deployed, subject.release
    uri = release.artifact.uri if release.artifact else None

    @cache
    def endpoint() -> EndpointFacts:
        return endpoint_facts(cloud, deployed.name, deployed.variant_name)

    @cache
    def model() -> ModelFacts:
        return model_facts(cloud, deployed.config_name, deployed.variant_name)

    def in_service() -> verdicts.Finding:
        return verdicts.endpoint_in_service(endpoint(), name=deployed.name, config_name=deployed.config_name)

    def scaling() -> verdicts.Finding:
        found = scaling_facts(cloud, deployed.name, deployed.variant_name)
        return verdicts.scaling(found, name=deployed.name, endpoint=subject.profile)

    return [
        Planned(IN_SERVICE, in_service, (ACCOUNT_REGION,)),
        Planned("image-digest", lambda: verdicts.image_digest(endpoint(), model(), image=release.image), (IN_SERVICE,)),
        Planned("model-artifact", lambda: verdicts.model_artifact(model(), uri=uri), (IN_SERVICE,)),
        Planned("timeouts", lambda: verdicts.timeouts(model(), endpoint=subject.profile), (IN_SERVICE,)),
        Planned("scaling", scaling, (IN_SERVICE,)),
    ]
