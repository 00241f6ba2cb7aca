from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import Account

NOTIFICATION = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}
SUBSCRIBER = {"SubscriptionType": "SNS", "Address": "arn:aws:sns:us-east-1:111122223333:alarms"}


def document(name: str, amount: str = "200") -> dict[str, Any]:
    return {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": amount, "Unit": "USD"},
    }


def create(account: Account, name: str, **options: Any) -> str:
    account.client("budgets").create_budget(
        AccountId=account.id,
        Budget=document(name),
        NotificationsWithSubscribers=[{"Notification": NOTIFICATION, "Subscribers": [SUBSCRIBER]}],
        **options,
    )
    return f"arn:aws:budgets::{account.id}:budget/{name}"


def test_a_notification_knows_whom_it_tells(account: Account) -> None:
    create(account, "told")
    client = account.client("budgets")
    [notification] = client.describe_notifications_for_budget(AccountId=account.id, BudgetName="told")["Notifications"]
    found = client.describe_subscribers_for_notification(
        AccountId=account.id, BudgetName="told", Notification=notification
    )
    assert found["Subscribers"] == [SUBSCRIBER]
    with pytest.raises(ClientError) as error:
        client.describe_subscribers_for_notification(
            AccountId=account.id, BudgetName="told", Notification=NOTIFICATION | {"Threshold": 81.0}
        )
    assert error.value.response["Error"]["Code"] == "NotFoundException"


def test_a_budget_keeps_its_tags(account: Account) -> None:
    arn = create(account, "tagged", ResourceTags=[{"Key": "environment", "Value": "dev"}])
    client = account.client("budgets")
    client.tag_resource(ResourceARN=arn, ResourceTags=[{"Key": "owner", "Value": "platform"}])
    client.untag_resource(ResourceARN=arn, ResourceTagKeys=["environment", "unknown"])
    assert client.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == [{"Key": "owner", "Value": "platform"}]


def test_another_limit_keeps_notifications_and_tags(account: Account) -> None:
    arn = create(account, "raised", ResourceTags=[{"Key": "environment", "Value": "dev"}])
    client = account.client("budgets")
    client.update_budget(AccountId=account.id, NewBudget=document("raised", amount="300"))
    budget = client.describe_budget(AccountId=account.id, BudgetName="raised")["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 300
    assert client.describe_notifications_for_budget(AccountId=account.id, BudgetName="raised")["Notifications"]
    assert client.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]


def test_an_unknown_budget_is_named(account: Account) -> None:
    with pytest.raises(ClientError, match="nowhere"):
        account.client("budgets").update_budget(AccountId=account.id, NewBudget=document("nowhere"))


def test_a_budget_that_is_there_is_not_made_again(account: Account) -> None:
    create(account, "once")
    with pytest.raises(ClientError, match=r"DuplicateRecordException.*once"):
        create(account, "once")
