"""What moto's Budgets lacks and Terraform's provider cannot do without: subscribers, tags, and changes of a budget.

moto owns budgets and notifications. https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html
"""

from typing import Any

from moto.budgets.exceptions import DuplicateRecordException
from moto.budgets.models import Budget, budgets_backends

from glue.localcloud.protocol import AwsError, Call, Document, Service

_PARTITION = "aws"
_IDENTITY = ("NotificationType", "ComparisonOperator", "Threshold")


def budgets_service() -> Service:
    """The operations of Budgets that the local cloud answers; moto has the rest."""
    return Service(
        "budgets",
        {
            "CreateBudget": create_budget,
            "UpdateBudget": update_budget,
            "DescribeSubscribersForNotification": describe_subscribers,
            "ListTagsForResource": list_tags,
            "TagResource": tag_resource,
            "UntagResource": untag_resource,
        },
        validation_code="InvalidParameterException",
    )


def create_budget(call: Call) -> None:
    """moto's, with the tags it drops."""
    try:
        _backend(call).create_budget(
            call.params["AccountId"], call.params["Budget"], call.params.get("NotificationsWithSubscribers") or []
        )
    except DuplicateRecordException as error:
        raise AwsError("DuplicateRecordException", error.message) from error
    budget = _budget(call, call.params["Budget"]["BudgetName"])
    budget.local_cloud_tags = _tags_of(call)  # kept on moto's own object, so that they go when it goes


def update_budget(call: Call) -> None:
    """Another limit, period or filter; notifications and tags stay."""
    former = _budget(call, call.params["NewBudget"]["BudgetName"])
    changed = Budget(call.params["NewBudget"], [])
    former.budget = changed.budget


def describe_subscribers(call: Call) -> Document:
    """Who is told by one notification of a budget."""
    asked = call.params["Notification"]
    for notification in _budget(call, call.params["BudgetName"]).notifications:
        if all(notification.details[key] == asked[key] for key in _IDENTITY):
            return {"Subscribers": notification.subscribers}
    raise AwsError("NotFoundException", "Unable to get subscribers - the notification doesn't exist.")


def list_tags(call: Call) -> Document:
    """All tags of a budget."""
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in sorted(_tags(call).items())]}


def tag_resource(call: Call) -> None:
    """Set tags."""
    _tags(call).update(_tags_of(call))


def untag_resource(call: Call) -> None:
    """Remove tags; one that is not there is no error."""
    for key in call.params["ResourceTagKeys"]:
        _tags(call).pop(key, None)


def _backend(call: Call) -> Any:
    return budgets_backends[call.scope.account][_PARTITION]


def _budget(call: Call, name: str) -> Any:
    account = call.params.get("AccountId", call.scope.account)
    budget = _backend(call).budgets[account].get(name)
    if budget is None:
        raise AwsError("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
    return budget


def _tags(call: Call) -> dict[str, str]:
    tags: dict[str, str] = _budget(call, call.params["ResourceARN"].rpartition(":budget/")[2]).local_cloud_tags
    return tags


def _tags_of(call: Call) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in call.params.get("ResourceTags") or []}
