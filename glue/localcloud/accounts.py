"""Which account, region and service a request is signed for. Signatures are not checked: any credentials will do."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_HEADER_SCOPE = re.compile(r"Credential=([^,\s]+)")


@dataclass(frozen=True)
class Scope:
    """An account and a region: the space in which a name is unique."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of `resource` ("endpoint/name") of `service` in this scope."""
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        return f"arn:{partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Credential:
    """The credential scope of a Signature Version 4 request, signed by header or in the query string.

    A URL that is signed by Version 2, as boto3 still makes them unless it is told otherwise, is one of S3 and names a
    key only.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    access_key: str
    region: str
    service: str


def credential_of(authorization: str | None, query: Mapping[str, str]) -> Credential | None:
    """The credential that a request names in its `Authorization` header or its query; None without one."""
    if access_key := query.get("AWSAccessKeyId"):
        return Credential(access_key, DEFAULT_REGION, "s3")
    scope = query.get("X-Amz-Credential", "")
    if authorization and (match := _HEADER_SCOPE.search(authorization)):
        scope = match[1]
    parts = scope.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        return None
    access_key, _date, region, service, _terminator = parts
    return Credential(access_key, region, service.lower())


def account_of(access_key: str | None, known: Callable[[str], str | None]) -> str:
    """The account that acts: the key itself when it is an account id, else the key's issuer, else the default account.

    `known` finds the account of a key that the cloud itself made (an IAM user's, or a session of an assumed role).
    """
    if access_key is None:
        return DEFAULT_ACCOUNT
    if _ACCOUNT_ID.fullmatch(access_key):
        return access_key
    return known(access_key) or DEFAULT_ACCOUNT
