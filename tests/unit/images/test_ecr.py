"""Addresses of repositories."""

import pytest

from glue.errors import UsageError
from glue.images.ecr import Repository


def test_an_address_names_account_region_and_repository() -> None:
    repository = Repository.at("111122223333.dkr.ecr.us-east-1.amazonaws.com/async-inference/detector")
    assert (repository.account_id, repository.region, repository.name) == (
        "111122223333",
        "us-east-1",
        "async-inference/detector",
    )
    assert Repository.at("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/a").region == "cn-north-1"


@pytest.mark.parametrize(
    "url",
    [
        "docker.io/library/python",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/a:1",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of an ECR repository"):
        Repository.at(url)
