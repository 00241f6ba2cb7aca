"""boto3 clients of the local cloud's own services: what services do to each other, they do through the API."""

import threading
from typing import Any

import boto3
from botocore.config import Config

from glue.localcloud.accounts import Scope


class Clients:
    """Clients against one URL, made once per account, region and service. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = boto3.session.Session()
        self._made: dict[tuple[Scope, str], Any] = {}
        self._lock = threading.Lock()

    def get(self, scope: Scope, service: str) -> Any:
        """The client of `service` that acts as the account of `scope`."""
        with self._lock:
            key = (scope, service)
            if key not in self._made:
                self._made[key] = self._session.client(
                    service,
                    region_name=scope.region,
                    endpoint_url=self.url,
                    aws_access_key_id=scope.account,
                    aws_secret_access_key="local",  # noqa: S106 - any is accepted
                    config=Config(
                        retries={"mode": "standard", "max_attempts": 3},
                        max_pool_connections=50,
                        proxies={},
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._made[key]
