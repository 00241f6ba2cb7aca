"""The options that a container is made with."""

from pathlib import Path

from glue.engines import Limits
from glue.engines.engine import HOST_NETWORK, container_options


def test_a_container_gets_nothing_that_was_not_asked_for() -> None:
    assert container_options("docker", "name", Limits(), {}, network="bridge") == [
        "--name=name",
        "--pull=never",
        "--tmpfs=/tmp:rw,exec,mode=1777",
        "--network=none",
    ]


def test_memory_is_a_limit_without_swap_and_mounts_are_read_only() -> None:
    limits = Limits(memory=1 << 30, mounts={"/opt/ml/model": Path("/here")}, user="1000", temporary="disk")
    assert container_options("podman", "name", limits, {"A": "b c"}, network="podman")[2:] == [
        "--volume=/tmp",
        "--network=none",
        "--memory=1073741824",
        "--memory-swap=1073741824",
        "--volume=/here:/opt/ml/model:ro",
        "--user=1000",
        "--env=A=b c",
    ]


def test_ports_are_published_to_this_machine_only_where_the_engine_has_a_network() -> None:
    limits = Limits(network=True, ports={8080: 40123})
    assert "--publish=127.0.0.1:40123:8080" in container_options("docker", "name", limits, {}, network="bridge")
    on_host = container_options("docker", "name", limits, {}, network=HOST_NETWORK)
    assert "--network=host" in on_host
    assert not [option for option in on_host if option.startswith("--publish")]
