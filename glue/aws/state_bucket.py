"""The bucket that holds Terraform's state and the evidence: made once, before Terraform can run.

Source: https://developer.hashicorp.com/terraform/language/backend/s3 (versioning is advised for recovery) and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from glue.cloud import Cloud
from glue.errors import FailedError, MissingError
from glue.profiles import Profile
from glue.progress import Reporter


def ensure_state_bucket(profile: Profile, cloud: Cloud, reporter: Reporter) -> None:
    """Create the state bucket if it is missing, or finish one whose creation was cut off. A whole one is left as it is.

    Raises:
        FailedError: the bucket belongs to another account, or may not be read.
        MissingError: the credentials belong to another account than the profile's.
    """
    _require_account(cloud)
    bucket = profile.state_bucket
    s3 = cloud.client("s3")
    if not _exists(s3, bucket, profile.account_id):
        reporter.step(f"creating the state bucket {bucket}")
        _create(s3, bucket, profile.region)
    # Versioning is switched on last: where it is on, the rest was done before.
    if s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=profile.account_id).get("Status") != "Enabled":
        _secure(s3, bucket, profile)


def state_bucket_exists(profile: Profile, cloud: Cloud) -> bool:
    """Whether there is a state bucket: nothing was ever planned where there is none.

    Raises:
        GlueError: as `ensure_state_bucket`.
    """
    _require_account(cloud)
    return _exists(cloud.client("s3"), profile.state_bucket, profile.account_id)


def _require_account(cloud: Cloud) -> None:
    actual = cloud.client("sts").get_caller_identity()["Account"]
    if actual != cloud.account_id:
        raise MissingError(
            f"the credentials are account {actual}'s, the profile names account_id {cloud.account_id}",
            hints=["choose credentials of that account: AWS_PROFILE=… or aws configure sso"],
        )


def _exists(s3: Any, bucket: str, account_id: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account_id)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return False
        if status in {301, 400, 403}:
            raise FailedError(
                f"state bucket {bucket}: exists, but not for account {account_id} in this region (HTTP {status})",
                hints=["set state.bucket in the profile to a name of your own"],
            ) from error
        raise
    return True


def _create(s3: Any, bucket: str, region: str) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced", **where)
    except ClientError as error:
        # Two first runs at once: the other one's bucket is as good.
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


def _secure(s3: Any, bucket: str, profile: Profile) -> None:
    owner = {"Bucket": bucket, "ExpectedBucketOwner": profile.account_id}
    s3.put_public_access_block(
        **owner,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_encryption(
        **owner,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]
        },
    )
    partition = "aws-cn" if profile.region.startswith("cn-") else "aws-us-gov" if "-gov-" in profile.region else "aws"
    arn = f"arn:{partition}:s3:::{bucket}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    s3.put_bucket_policy(**owner, Policy=json.dumps(policy))
    tags = profile.tags | {"owner": profile.owner, "managed-by": "glue"}
    s3.put_bucket_tagging(**owner, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]})
    s3.put_bucket_versioning(**owner, VersioningConfiguration={"Status": "Enabled"})
