import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.localcloud.storage.bucket_policies import applicable
from tests.localcloud.support import Account


def kept(condition: dict[str, Any] | None) -> list[dict[str, Any]]:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    found: list[dict[str, Any]] = json.loads(applicable(json.dumps(policy)))["Statement"]
    return found


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        (None, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"AWS:securetransport": ["true", "false"]}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
    ],
)
def test_a_statement_applies_when_all_its_conditions_are_known_to_hold(
    condition: dict[str, Any] | None, applies: bool
) -> None:
    statements = kept(condition)
    assert bool(statements) == applies
    assert all("Condition" not in statement for statement in statements)


def test_a_bucket_for_tls_only_can_be_written(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="guarded")
    deny = {"Effect": "Deny", "Principal": "*", "Resource": ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"]}
    tls = {**deny, "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls]}))
    s3.put_object(Bucket="guarded", Key="key", Body=b"x")
    puts = {**deny, "Action": "s3:PutObject"}
    s3.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls, puts]}))
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket="guarded", Key="key", Body=b"x")


def test_access_is_logged_to_a_bucket_that_lets_s3_write_there(account: Account) -> None:
    s3 = account.client("s3")
    for name in ("logged", "logs"):
        s3.create_bucket(Bucket=name)
    logging = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "logged/"}}
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::logs/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    delivery = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    for statements in ([only_tls], [only_tls, {**delivery, "Resource": "arn:aws:s3:::logs/other/*"}]):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        s3.put_bucket_policy(Bucket="logs", Policy=policy)
        with pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
            s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus=logging)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only_tls, delivery]})
    s3.put_bucket_policy(Bucket="logs", Policy=policy)
    s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket="logged")["LoggingEnabled"]["TargetBucket"] == "logs"
