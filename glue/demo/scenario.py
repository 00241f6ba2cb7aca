"""The demonstration's steps: the same use cases that the commands call, one after the other."""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.aws.state_bucket import ensure_state_bucket
from glue.checks import keep as keep_evidence
from glue.checks import subjects, verify
from glue.cloud import Cloud, cloud_of
from glue.demo.rooms import draw_overlay
from glue.deployed import DeployedEndpoint, deployed_endpoints
from glue.errors import FailedError
from glue.interrupts import held_back
from glue.invocation import EndpointClient, Status, invoke_all, patience, payloads
from glue.localcloud import daemon
from glue.profiles import Profile, load_profile
from glue.progress import Reporter
from glue.project import Project
from glue.releases import Release
from glue.releasing import Registry, Releaser
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer
from glue.terraform.locking import exclusive

ENVIRONMENT = "local"
ENDPOINT = "location-detector"
BLUEPRINT = Path("location_detector/golden/flat/blueprint.png")


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration found. `running`: the local cloud was left up."""

    blueprint: Path
    result: Mapping[str, Any]
    result_file: Path
    overlay: Path
    verdict: str
    running: bool


def run(project: Project, out: Path, reporter: Reporter, *, keep: bool) -> Demonstration:
    """Deploy to the local cloud, send a blueprint, verify. A local cloud that was running before stays so.

    Raises:
        GlueError: a step failed. Nothing is left running but what was before.
    """
    profile = load_profile(project.envs_dir, ENVIRONMENT)
    reporter.step(f"profile {ENVIRONMENT} checked: {len(profile.endpoints)} endpoint, account {profile.account_id}")
    one_at_a_time = exclusive(project.work_dir / "demo.lock", wait_seconds=0)
    with one_at_a_time, _local_cloud(project, reporter, keep=keep) as stays:
        steps = _Steps(project, profile, cloud_of(profile, project), reporter)
        ensure_state_bucket(profile, steps.cloud, reporter)  # once: below, both layers would find none
        with ThreadPoolExecutor() as meanwhile:
            initialised = meanwhile.submit(steps.deployment(Layer.PLATFORM).initialise)
            release = steps.release()
            initialised.result()
        endpoints = steps.platform()
        blueprint = project.workloads_dir / BLUEPRINT
        result_file = steps.ask(endpoints[ENDPOINT], blueprint, out / "result.json")
        result = json.loads(result_file.read_text(encoding="utf-8"))
        draw_overlay(blueprint, result, out / "overlay.png")
        verdict = steps.verdict(release, endpoints)
    return Demonstration(blueprint, result, result_file, out / "overlay.png", verdict, stays)


@contextmanager
def _local_cloud(project: Project, reporter: Reporter, *, keep: bool) -> Iterator[bool]:
    """The local cloud, running; yields whether it stays up. If this process dies, it ends too unless it is kept."""
    was_running = daemon.status(project.local_cloud_dir).running
    stays = keep or was_running
    reporter.step(
        "the local cloud runs already: it is used and left as it is" if was_running else "starting the local cloud"
    )
    try:
        with held_back():  # a cloud that is just starting could not be stopped
            status = daemon.up(project.local_cloud_dir, exit_with=None if keep else os.getpid())
        reporter.note(f"{status.endpoint_url}: AWS's APIs on this machine")
        yield stays
    except BaseException:
        stays = was_running
        raise
    finally:
        if not stays:
            reporter.step("stopping the local cloud")
            daemon.down(project.local_cloud_dir)


@dataclass(frozen=True)
class _Steps:
    """What happens between the start and the end of the local cloud."""

    project: Project
    profile: Profile
    cloud: Cloud
    reporter: Reporter

    def deployment(self, layer: Layer) -> Deployment:
        """A layer of the demonstration's environment."""
        return Deployment(self.project, self.profile, self.cloud, layer, self.reporter)

    def release(self) -> Release:
        """Make the registry, and push image and artifact into it."""
        registry = Registry.of(self._applied(Layer.REGISTRY), self.profile)
        releaser = Releaser(self.project, self.profile, self.cloud, registry, self.reporter)
        keys = sorted(self.profile.endpoints)
        releaser.push_images(keys)
        return releaser.push_artifacts(keys)

    def platform(self) -> dict[str, DeployedEndpoint]:
        """Deploy what the release names."""
        endpoints = deployed_endpoints(self._applied(Layer.PLATFORM), self.profile.environment)
        for endpoint in endpoints.values():
            self.reporter.note(f"endpoint {endpoint.name} is in service, its model is loaded")
        return endpoints

    def ask(self, endpoint: DeployedEndpoint, blueprint: Path, answer: Path) -> Path:
        """Send `blueprint` through the endpoint's queue and keep what comes back as `answer`."""
        self.reporter.step(f"uploading {blueprint.name} and putting it into the endpoint's queue")
        with EndpointClient(endpoint, self.cloud) as client:
            batch = invoke_all(
                client, payloads([blueprint]), wait_seconds=patience(endpoint, 1), reporter=self.reporter
            )
            [result] = batch.results
            if batch.interrupted:
                raise KeyboardInterrupt
            if result.status is not Status.COMPLETED:
                raise FailedError(f"{blueprint.name}: {result.status}: {result.reason}", hints=["glue local logs"])
            self.reporter.note(f"answered after {result.answer_seconds:.1f} s: {result.output_location}")
            answer.unlink(missing_ok=True)
            client.fetch(result, answer)
        return answer

    def verdict(self, release: Release, endpoints: Mapping[str, DeployedEndpoint]) -> str:
        """Verify all endpoints, keep the evidence, and say what it says."""
        self.reporter.step("verifying the endpoint as glue verify-endpoint does")
        chosen = subjects(self.project, self.profile, release, endpoints, sorted(self.profile.endpoints))
        evidence = verify(self.profile, release, chosen, self.cloud, self.reporter)
        kept = keep_evidence(self.profile, self.cloud, evidence)
        self.reporter.note(f"evidence {kept.uri}")
        return evidence.verdict

    def _applied(self, layer: Layer) -> dict[str, Any]:
        return self.deployment(layer).plan_and_apply()
