"""The key of a log group comes and goes while the group stays."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import Account

KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"


def key_of(account: Account, name: str) -> Any:
    [group] = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return group.get("kmsKeyId")


def test_a_log_group_changes_its_key(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="/tests/key")
    logs.associate_kms_key(logGroupName="/tests/key", kmsKeyId=KEY)
    assert key_of(account, "/tests/key") == KEY
    logs.disassociate_kms_key(logGroupName="/tests/key")
    assert key_of(account, "/tests/key") is None
    [group] = logs.describe_log_groups(logGroupNamePrefix="/tests/key")["logGroups"]
    logs.associate_kms_key(resourceIdentifier=group["arn"], kmsKeyId=KEY)
    assert key_of(account, "/tests/key") == KEY


def test_a_log_group_that_is_not_there_has_no_key(account: Account) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.client("logs").associate_kms_key(logGroupName="/tests/none", kmsKeyId=KEY)
