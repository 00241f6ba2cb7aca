"""What a killed run left is named with the command that adopts it; summaries are as the provider words them."""

import shlex

import pytest

from glue.terraform.adoption import Unadopted, unadopted
from glue.terraform.events import Diagnostic

ADDRESS = 'module.endpoint["rooms"].aws_sagemaker_endpoint.this'
ACCOUNT = "111122223333"
ARN = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/rooms"


@pytest.mark.parametrize(
    ("summary", "identifier"),
    [
        ("creating S3 Bucket (a-bucket): BucketAlreadyExists", "a-bucket"),
        ("creating S3 Bucket (a-bucket): operation error S3: CreateBucket, BucketAlreadyOwnedByYou: ", "a-bucket"),
        ("creating CloudWatch Logs Log Group (/a/group): ResourceAlreadyExistsException: It exists", "/a/group"),
        (f'creating SageMaker AI Endpoint: Cannot create already existing endpoint "{ARN}".', "rooms"),
        ("creating Lambda Function (f): ResourceConflictException: Function already exist: f", "f"),
    ],
)
def test_what_exists_is_found_with_its_identifier(summary: str, identifier: str) -> None:
    [found] = unadopted([Diagnostic("error", summary, address=ADDRESS)], ACCOUNT)
    assert found == Unadopted(ADDRESS, identifier)
    assert shlex.split(found.command("dev", "platform")) == [
        *("glue", "import", "--env", "dev", "--layer", "platform"),
        *(ADDRESS, identifier),
    ]


def test_a_budget_is_imported_by_its_account_and_name() -> None:
    summary = "creating Budget (async): DuplicateRecordException: Error creating budget: the budget already exists."
    address = "module.observability.aws_budgets_budget.this[0]"
    assert unadopted([Diagnostic("error", summary, address=address)], ACCOUNT) == (
        Unadopted(address, f"{ACCOUNT}:async"),
    )


@pytest.mark.parametrize(
    "error",
    [
        Diagnostic("error", "creating S3 Bucket (a-bucket): AccessDenied", address=ADDRESS),
        Diagnostic("error", "creating S3 Bucket (a-bucket): BucketAlreadyExists"),
        Diagnostic("error", "creating EventBridge Thing: it already exists", address=ADDRESS),
    ],
)
def test_another_failure_or_an_object_without_a_name_is_not_guessed_at(error: Diagnostic) -> None:
    assert unadopted([error], ACCOUNT) == ()
