"""What is missing on this machine or in an account, and how to get it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from glue.cloud import cloud_of
from glue.engines import ENGINE_SETTING, find_engine
from glue.errors import GlueError, MissingError, UsageError
from glue.localcloud.compute import venvs
from glue.profiles import Profile, load_profile
from glue.progress import Reporter
from glue.project import Project
from glue.releases import read_release, require_complete
from glue.terraform import mirrors
from glue.terraform.installation import install_terraform, platform_name
from glue.terraform.layers import Layer
from glue.terraform.provider_lock import lacking, read_lock
from glue.terraform.toolchain import find_terraform, toolchain
from glue.workloads import Workload, load_workload, workload_names

Verdict = Literal["ok", "warning", "missing"]
_DISK_GB = 2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    id: str
    verdict: Verdict
    message: str
    remedy: str | None = None


def examine(project: Project, environment: str | None) -> Iterator[Finding]:
    """Look at this machine and, with `environment`, at its profile, credentials and release."""
    yield Finding("python", "ok", f"Python {sys.version.split()[0]}")
    yield _terraform(project)
    yield _provider(project)
    yield _engine()
    yield _disk(project)
    if environment is not None:
        yield from _environment(project, environment)


def repair(project: Project, reporter: Reporter) -> None:
    """Bring what can be brought: Terraform into the tool folder, a provider mirror where one is needed, and the
    virtual environments in which the local cloud runs the workloads.

    Raises:
        GlueError: a download failed or is not what was published.
    """
    if find_terraform(project) is None:
        install_terraform(project, reporter)
    if mirrors.mirror(project) is None:
        found = mirrors.fallback_mirror()
        if found:
            mirrors.remember(project, found)
            reporter.note(f"the provider registry does not answer: providers come from the mirror {found}")
    for name in workload_names(project.workloads_dir):
        _install(load_workload(project.workloads_dir, name), reporter)


def _install(workload: Workload, reporter: Reporter) -> None:
    """Make the virtual environment of `workload` ahead of its first start, which then takes a second."""
    cache = venvs.default_cache_dir()
    if venvs.is_made(workload.requirements, cache):
        return
    reporter.step(f"installing the requirements of {workload.name} for the local cloud")
    try:
        venvs.environment_for(workload.requirements, cache)
    except venvs.InstallError as error:
        raise MissingError(f"{workload.requirements}: {error}", hints=["check the connection to PyPI"]) from error


def _terraform(project: Project) -> Finding:
    try:
        tools = toolchain(project)
    except GlueError as error:
        return Finding("terraform", "missing", error.message, "make setup")
    return Finding("terraform", "ok", f"{tools.product} {tools.version} ({tools.path})")


def _provider(project: Project) -> Finding:
    try:
        folder = mirrors.mirror(project)
    except GlueError as error:
        return Finding("provider", "missing", error.message, f"unset {mirrors.MIRROR_SETTING}, or name a mirror")
    if folder:
        reason = lacking(folder, read_lock(project.terraform_dir / Layer.PLATFORM), platform_name())
        if reason:
            return Finding(
                "provider", "missing", reason, f"name a mirror with the locked build: {mirrors.MIRROR_SETTING}"
            )
        return Finding("provider", "ok", f"AWS provider from the mirror {folder}")
    if mirrors.registry_answers():
        return Finding("provider", "ok", "AWS provider from the public registry")
    return Finding(
        "provider",
        "missing",
        "the provider registry does not answer and no mirror is set",
        f"connect to the internet, or set {mirrors.MIRROR_SETTING} to a folder made by `terraform providers mirror`",
    )


def _engine() -> Finding:
    try:
        engine = find_engine()
    except UsageError as error:
        return Finding("engine", "missing", error.message, f"unset {ENGINE_SETTING}, or name an engine's program")
    except MissingError as error:
        told = f"{error.message}\nfine for the local cloud, which runs process images without one"
        return Finding("engine", "warning", told, "; ".join(error.hints))
    return Finding("engine", "ok", f"{engine.kind} answers ({engine.program})")


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(project.root).free / 1e9
    if free < _DISK_GB:
        return Finding("disk", "missing", f"{free:.1f} GB free", f"free at least {_DISK_GB} GB for the provider")
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _environment(project: Project, environment: str) -> Iterator[Finding]:
    try:
        profile = load_profile(project.envs_dir, environment)
    except GlueError as error:
        yield Finding("profile", "missing", error.message, f"mend envs/{environment}.yaml")
        return
    yield Finding("profile", "ok", f"{environment}: {len(profile.endpoints)} endpoint(s) in {profile.region}")
    yield _guarded("account", lambda: _account(profile, project))
    yield _guarded("release", lambda: _release(profile, project))


def _guarded(identifier: str, look: Callable[[], Finding]) -> Finding:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where an account is looked at

    try:
        return look()
    except GlueError as error:
        return Finding(identifier, "missing", error.message, "; ".join(error.hints) or None)
    except (BotoCoreError, ClientError) as error:
        return Finding(identifier, "missing", str(error), "aws configure sso, or set AWS_PROFILE")


def _account(profile: Profile, project: Project) -> Finding:
    cloud = cloud_of(profile, project)
    actual = cloud.client("sts").get_caller_identity()["Account"]
    if actual != profile.account_id:
        message = f"the credentials are account {actual}'s, the profile names {profile.account_id}"
        return Finding("account", "missing", message, "choose other credentials: AWS_PROFILE=…")
    return Finding("account", "ok", f"account {actual} answers")


def _release(profile: Profile, project: Project) -> Finding:
    release = require_complete(read_release(cloud_of(profile, project).releases_dir, profile.environment), profile)
    return Finding("release", "ok", f"release {release.digest[:12]}")
