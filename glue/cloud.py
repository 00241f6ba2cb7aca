"""Which cloud an environment lives in, and how to reach it: the only place where the two kinds differ.

Everything else is handed a `Cloud` and works the same way against AWS and against the local cloud.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.errors import MissingError, UsageError
from glue.project import Project

if TYPE_CHECKING:
    from glue.profiles import Profile

CLOUD_SETTING = "GLUE_CLOUD"
_MAKING = threading.Lock()  # a client may be used by many threads, but boto3 makes only one at a time


@dataclass(frozen=True)
class Cloud:
    """An account and region of a cloud, as clients and Terraform reach it.

    `endpoint_url` is None on AWS, where credentials come from the usual chain. A local cloud has a URL of its own and
    is given the account id as access key: real credentials are never sent there. `runs_process_images` says that it
    starts images that hold a program and no operating system (see `glue.images`); AWS starts real containers only.
    """

    name: str
    region: str
    account_id: str
    endpoint_url: str | None = None
    releases_dir: Path = Path("envs")
    environments_dir: Path = Path(".glue/environments")
    runs_process_images: bool = False

    @property
    def path_style(self) -> bool:
        """Whether buckets are addressed in the path: an address without wildcard names needs it."""
        return self.endpoint_url is not None

    def variables(self) -> dict[str, str]:
        """The environment variables that every AWS client, Terraform's provider and backend included, understands."""
        settings = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.endpoint_url:
            settings |= {
                "AWS_ENDPOINT_URL": self.endpoint_url,
                "AWS_ACCESS_KEY_ID": self.account_id,
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        return settings

    def client(self, service: str, *, connections: int = 10) -> Any:
        """A boto3 client of `service`, with retries and bounded timeouts, which keeps up to `connections` open."""
        import boto3  # noqa: PLC0415 - heavy, and not needed by most commands
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            region_name=self.region,
            retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=connections,
            s3={"addressing_style": "path"} if self.path_style else None,
        )
        with _MAKING:
            if self.endpoint_url is None:
                return boto3.client(service, config=config)
            return boto3.client(
                service,
                config=config,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=self.account_id,
                aws_secret_access_key="local",  # noqa: S106 - any is accepted
                aws_session_token=None,
            )


def cloud_of(profile: "Profile", project: Project) -> Cloud:
    """The cloud `profile` lives in: the one it names, or the one that the setting `GLUE_CLOUD` puts in its place.

    With the setting, releases, plans and evidence are kept apart: a trial never touches what belongs to the account.

    Raises:
        UsageError: the setting names no cloud.
        MissingError: the local cloud is wanted and not running.
    """
    chosen = os.environ.get(CLOUD_SETTING) or profile.cloud
    if chosen not in {"aws", "local"}:
        raise UsageError(f"{CLOUD_SETTING}={chosen}: allowed is aws or local")
    if profile.cloud == "local" and chosen == "aws":
        raise UsageError(f"{CLOUD_SETTING}=aws: environment {profile.environment} lives in the local cloud only")
    if chosen == "aws":
        return Cloud(
            "aws",
            profile.region,
            profile.account_id,
            releases_dir=project.envs_dir,
            environments_dir=project.environments_dir,
        )
    from glue.localcloud.daemon import status  # noqa: PLC0415

    running = status(project.local_cloud_dir)
    if not running.running or running.endpoint_url is None:
        raise MissingError("the local cloud is not running", hints=["start it: glue local up"])
    own = profile.cloud == "local"
    return Cloud(
        "local",
        profile.region,
        profile.account_id,
        endpoint_url=running.endpoint_url,
        releases_dir=project.envs_dir if own else project.local_cloud_dir / "releases",
        environments_dir=project.environments_dir if own else project.local_cloud_dir / "environments",
        runs_process_images=True,
    )
