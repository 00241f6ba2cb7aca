"""Finding out what each link of an image's chain is (see `chain`)."""

from dataclasses import dataclass

from glue.checks.facts import endpoint_facts, model_facts
from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint, deployed_endpoints
from glue.engines import Engine, find_engine
from glue.errors import MissingError
from glue.images import labels
from glue.images.chain import Chain, Facts, chain
from glue.images.ecr import Repository, held_manifest, tags_of
from glue.profiles import Profile
from glue.progress import Reporter
from glue.project import Project
from glue.releases import EndpointRelease, read_release
from glue.revision import changed_since, revision_of
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer


@dataclass(frozen=True)
class _Trace:
    """What the endpoints of one environment share while they are traced."""

    project: Project
    cloud: Cloud
    engine: Engine | None

    def facts(self, entry: EndpointRelease | None, deployed: DeployedEndpoint | None) -> Facts:
        """What is found about one endpoint, released as `entry` and deployed as `deployed`."""
        image = entry.image if entry else None
        local, digests = self._local(entry)
        tags = self._tags(image) if image else None
        model, running = self._deployed(deployed) if deployed else (None, ())
        return Facts(
            checkout=revision_of(self.project.root),
            released_revision=entry.module_version if entry else None,
            changed=self._changed(entry) if entry else None,
            released=image,
            engine=self.engine.kind if self.engine else None,
            local_image=local,
            local_digests=digests,
            in_registry=None if image is None else tags is not None,
            registry_tags=tags or (),
            model=model,
            running=running,
        )

    def _changed(self, entry: EndpointRelease) -> tuple[str, ...] | None:
        root = self.project.root
        sources = (self.project.dockerfile, self.project.serving_dir, self.project.workloads_dir / entry.workload)
        return changed_since(entry.module_version, root, [path.relative_to(root).as_posix() for path in sources])

    def _local(self, entry: EndpointRelease | None) -> tuple[str | None, tuple[str, ...]]:
        """The engine's image that has the released digest, or else the newest of the released revision."""
        if self.engine is None or entry is None:
            return None, ()
        images = self.engine.images(f"{labels.WORKLOAD}={entry.workload}")
        digest = (entry.image or "").rpartition("@")[2]
        pushed = [one for one in images if any(name.endswith(f"@{digest}") for name in one.digests)]
        alike = [one for one in images if one.labels.get(labels.REVISION) == entry.module_version]
        found = next(iter([*pushed, *alike]), None)
        return (found.id, found.digests) if found else (None, ())

    def _tags(self, image: str) -> tuple[str, ...] | None:
        """The tags of `image` in its repository; None: it is not there."""
        url, _, digest = image.partition("@")
        repository = Repository.at(url)
        client = repository.client(self.cloud)
        try:
            if held_manifest(client, repository, {"imageDigest": digest}) is None:
                return None
        except client.exceptions.RepositoryNotFoundException:
            return None
        return tags_of(client, repository, digest) or ()

    def _deployed(self, deployed: DeployedEndpoint) -> tuple[str | None, tuple[str, ...]]:
        endpoint = endpoint_facts(self.cloud, deployed.name, deployed.variant_name)
        if endpoint.config_name is None:
            return None, ()
        model = model_facts(self.cloud, endpoint.config_name, deployed.variant_name)
        return model.image, endpoint.resolved_images


def trace_environment(project: Project, profile: Profile, cloud: Cloud, reporter: Reporter) -> dict[str, Chain]:
    """The chain of each endpoint of `profile`, by its key.

    Raises:
        GlueError: what is deployed cannot be found out.
    """
    reporter.step(f"following the images of {profile.environment}")
    try:
        engine = find_engine()
    except MissingError:
        engine = None
    outputs = Deployment(project, profile, cloud, Layer.PLATFORM, reporter).outputs()
    deployed = deployed_endpoints(outputs, profile.environment) if outputs.get("endpoints") else {}
    release = read_release(cloud.releases_dir, profile.environment)
    trace = _Trace(project, cloud, engine)
    entries = release.endpoints if release else {}
    return {key: chain(trace.facts(entries.get(key), deployed.get(key))) for key in sorted(profile.endpoints)}
