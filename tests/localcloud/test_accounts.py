from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from glue.localcloud.accounts import DEFAULT_ACCOUNT, DEFAULT_REGION, Credential, Scope, account_of, credential_of
from tests.localcloud.support import REGION, Account

URL = "http://127.0.0.1:4599/bucket/key"


def nobody(_: str) -> str | None:
    return None


def test_the_credential_is_read_from_what_botocore_signs() -> None:
    request = AWSRequest("POST", URL)
    SigV4Auth(Credentials("111122223333", "secret"), "sagemaker", "eu-west-1").add_auth(request)
    expected = Credential("111122223333", "eu-west-1", "sagemaker")
    assert credential_of(request.headers["Authorization"], {}) == expected


@pytest.mark.parametrize(("version", "region"), [("s3v4", "eu-west-1"), ("s3", DEFAULT_REGION)])
def test_the_credential_is_read_from_a_presigned_url(version: str, region: str) -> None:
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id="111122223333",
        aws_secret_access_key="any",
        config=Config(signature_version=version),
    )
    url = client.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "key"})
    assert credential_of(None, _query(url)) == Credential("111122223333", region, "s3")


def _query(url: str) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.parametrize("header", [None, "", "Basic abc", "AWS4-HMAC-SHA256 Credential=half/a/scope"])
def test_an_unsigned_request_has_no_credential(header: str | None) -> None:
    assert credential_of(header, {}) is None


@pytest.mark.parametrize(
    ("key", "account"),
    [
        ("111122223333", "111122223333"),
        ("AKIAIOSFODNN7EXAMPLE", DEFAULT_ACCOUNT),
        ("11112222333", DEFAULT_ACCOUNT),
        ("1111222233334", DEFAULT_ACCOUNT),
        (None, DEFAULT_ACCOUNT),
    ],
)
def test_twelve_digits_name_the_account_and_anything_else_is_the_default(key: str | None, account: str) -> None:
    assert account_of(key, nobody) == account


def test_a_key_that_the_cloud_made_belongs_to_the_account_that_made_it() -> None:
    assert account_of("ASIAXXXXXXXXXXXXXXXX", {"ASIAXXXXXXXXXXXXXXXX": "444455556666"}.get) == "444455556666"


def test_arns_name_the_partition_of_the_region() -> None:
    assert Scope("111122223333", "cn-north-1").arn("sagemaker", "endpoint/x").startswith("arn:aws-cn:sagemaker:cn-")


def test_accounts_do_not_see_each_others_resources(account: Account, other_account: Account) -> None:
    for one in (account, other_account):
        one.client("sns").create_topic(Name=f"of-{one.id}")
        assert one.client("sts").get_caller_identity()["Account"] == one.id
    topics = [topic["TopicArn"] for topic in other_account.client("sns").list_topics()["Topics"]]
    assert topics == [f"arn:aws:sns:{REGION}:444455556666:of-444455556666"]


def test_an_assumed_role_acts_in_its_account(account: Account) -> None:
    account.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")
    session: dict[str, Any] = account.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account.id}:role/deployer", RoleSessionName="session"
    )["Credentials"]
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=account.url,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == account.id
