"""What every test of images needs: an engine that answers, and a base to build on. See .ci/engine."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from glue.cloud import Cloud
from glue.engines import Engine, find_engine
from glue.localcloud import daemon
from glue.progress import Silent
from glue.project import Project
from glue.workloads import Workload, load_workload
from tests.container.workshop import ACCOUNT, Workshop
from tests.localcloud.parity import local_cloud

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine; without one these tests fail: they are not part of `make test`."""
    return find_engine(to_run=True)


@pytest.fixture(scope="session")
def base() -> str | None:
    """The base image in place of the pinned one, which needs the public registry."""
    return os.environ.get("GLUE_BASE_IMAGE")


@pytest.fixture(scope="session")
def registry() -> str:
    """Host and port of a registry."""
    return os.environ["TEST_REGISTRY"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """This checkout's sources, with a place of its own for what is made."""
    for name in ("container", "envs", "terraform", "modules"):
        (tmp_path / name).symlink_to(ROOT / name)
    return Project(tmp_path)


@pytest.fixture(scope="session")
def noop() -> Workload:
    return load_workload(ROOT / "container" / "workloads", "noop")


@pytest.fixture(scope="session")
def workshop(
    engine: Engine, base: str | None, noop: Workload, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    """Builds variations of the noop image; everything it made is removed at the end."""
    made = Workshop(engine, base, noop, tmp_path_factory.mktemp("workshop"), Silent())
    yield made
    made.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[daemon.Status]:
    """A local cloud of these tests' own."""
    folder = tmp_path_factory.mktemp("cloud")
    with local_cloud(folder, exit_with=os.getpid(), cache_dir=tmp_path_factory.mktemp("cache")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def aws(cloud: daemon.Status) -> Cloud:
    """An account of the local cloud, in a region of its own."""
    return Cloud("local", "eu-central-1", ACCOUNT, endpoint_url=cloud.endpoint_url)


def _repository(aws: Cloud) -> str:
    """A repository as the registry layer makes them."""
    answer = aws.client("ecr").create_repository(
        repositoryName=f"platform/noop-{secrets.token_hex(4)}",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )
    address: str = answer["repository"]["repositoryUri"]
    return address


@pytest.fixture(scope="session")
def url(aws: Cloud) -> str:
    """A repository that tests share: what one has pushed need not be sent again."""
    return _repository(aws)


@pytest.fixture
def new_url(aws: Cloud) -> str:
    """A repository that holds nothing."""
    return _repository(aws)
