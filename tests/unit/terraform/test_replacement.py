"""Which failures of an apply are only those of endpoints whose former ones are not gone yet."""

import pytest

from glue.terraform.events import Diagnostic
from glue.terraform.replacement import still_there


def exists(name: str) -> Diagnostic:
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{name}"
    return Diagnostic("error", f'creating SageMaker AI Endpoint: Cannot create already existing endpoint "{arn}".')


OTHER = Diagnostic("error", "creating S3 Bucket (a-bucket): BucketAlreadyOwnedByYou")


@pytest.mark.parametrize(
    ("errors", "names"),
    [
        ([exists("rooms")], ("rooms",)),
        ([exists("rooms"), exists("plans")], ("rooms", "plans")),
        ([exists("rooms"), OTHER], ()),
        ([OTHER], ()),
        ([], ()),
    ],
)
def test_only_endpoints_that_are_there_are_waited_for(errors: list[Diagnostic], names: tuple[str, ...]) -> None:
    assert still_there(errors) == names
