"""Clients of a cloud."""

from glue.cloud import Cloud


def test_a_client_keeps_as_many_connections_as_are_asked_for() -> None:
    cloud = Cloud("local", "us-east-1", "000000000000", endpoint_url="http://127.0.0.1:1")
    assert cloud.client("s3").meta.config.max_pool_connections == 10
    assert cloud.client("s3", connections=32).meta.config.max_pool_connections == 32
