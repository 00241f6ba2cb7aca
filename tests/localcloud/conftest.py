"""A real local cloud for the tests: one for all of them, and one of its own for a test that kills it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glue.engines import ENGINE_SETTING
from glue.localcloud import daemon
from tests.localcloud.parity import local_cloud
from tests.localcloud.support import Account


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def cloud_dir(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Path]:
    """A local cloud without a container engine, whatever this machine has."""
    folder = tmp_path_factory.mktemp("cloud")
    program = tmp_path_factory.mktemp("engine") / "docker"
    program.write_text("#!/bin/sh\necho no daemon >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv(ENGINE_SETTING, str(program))
        with local_cloud(folder, exit_with=os.getpid(), cache_dir=cache_dir):
            settings.undo()  # it is for the local cloud, not for the tests
            yield folder


@pytest.fixture(scope="session")
def cloud(cloud_dir: Path) -> daemon.Status:
    return daemon.status(cloud_dir)


@pytest.fixture(scope="session")
def account(cloud: daemon.Status, tmp_path_factory: pytest.TempPathFactory) -> Account:
    assert cloud.endpoint_url is not None
    return Account(cloud.endpoint_url, "111122223333", tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="session")
def fast_dir(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fast-cloud")
    with local_cloud(folder, speed=60, exit_with=os.getpid(), cache_dir=cache_dir):
        yield folder


@pytest.fixture(scope="session")
def fast(fast_dir: Path) -> Account:
    """An account of a cloud whose minutes pass in a second."""
    url = daemon.status(fast_dir).endpoint_url
    assert url is not None
    return Account(url, "111122223333", fast_dir)


@pytest.fixture
def other_account(cloud: daemon.Status, tmp_path: Path) -> Account:
    assert cloud.endpoint_url is not None
    return Account(cloud.endpoint_url, "444455556666", tmp_path)
