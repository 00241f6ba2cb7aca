"""Evidence: what `verify-endpoint` found out about one release in one environment. Promotion demands it.

The document lies beside Terraform's state, in a versioned bucket, one key a release: the latest verification counts,
and the sha256 that a promotion records finds the exact version again.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from glue.errors import FailedError
from glue.releases import Sha256
from glue.validation import dotted, explain

if TYPE_CHECKING:
    from glue.cloud import Cloud
    from glue.profiles import Profile

Verdict = Literal["pass", "fail", "skip"]


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    message: str
    measured: dict[str, JsonValue] = {}
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Check(_Finding):
    """One check: what it measured (values by name, units in the names), how long it took, what it says.

    `endpoint` is the one it is about, by its key in the profile; None: the whole environment.
    """

    id: str
    endpoint: str | None = None


class GoldenResult(_Finding):
    """One golden request, sent through one deployed endpoint."""

    endpoint: str
    case: str


class Evidence(BaseModel):
    """A verification. `release` is the digest of the release that was verified, `created` its time in UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    environment: str
    release: Sha256
    verdict: Literal["pass", "fail"]
    checks: Annotated[list[Check], Field(min_length=1)]
    golden: list[GoldenResult] = []
    tools: dict[str, str]
    created: AwareDatetime

    @model_validator(mode="after")
    def _verdict_follows(self) -> Self:
        if self.verdict != verdict_of([*self.checks, *self.golden]):
            raise ValueError(f"verdict {self.verdict!r} does not follow from the checks")
        return self


def verdict_of(findings: Iterable[Check | GoldenResult]) -> Literal["pass", "fail"]:
    """Pass when nothing failed and something passed: a run that skipped everything proves nothing."""
    verdicts = {finding.verdict for finding in findings}
    return "pass" if "pass" in verdicts and "fail" not in verdicts else "fail"


def canonical(evidence: Evidence) -> bytes:
    """The document's one form as bytes: JSON, keys sorted, ASCII, a line break at the end."""
    data = evidence.model_dump(mode="json")
    return json.dumps(data, sort_keys=True, indent=2, allow_nan=False).encode("ascii") + b"\n"


def evidence_key(profile: "Profile", release_digest: str) -> str:
    """The key of the evidence on one release, in the environment's state bucket."""
    return f"{profile.state.key_prefix}/evidence/{profile.environment}/{release_digest}.json"


def store(cloud: "Cloud", profile: "Profile", evidence: Evidence) -> tuple[str, str]:
    """Put `evidence` into the state bucket of `profile`; returns its S3 URI and the sha256 of its bytes."""
    body = canonical(evidence)
    key = evidence_key(profile, evidence.release)
    cloud.client("s3").put_object(
        Bucket=profile.state_bucket,
        Key=key,
        Body=body,
        ContentType="application/json",
        ChecksumAlgorithm="SHA256",
        ExpectedBucketOwner=profile.account_id,
    )
    return f"s3://{profile.state_bucket}/{key}", hashlib.sha256(body).hexdigest()


def load(cloud: "Cloud", profile: "Profile", release_digest: str) -> tuple[Evidence, str] | None:
    """The evidence on `release_digest` in the environment of `profile`, and the sha256 of its bytes; None: none there.

    Raises:
        FailedError: what lies there is no evidence.
    """
    client = cloud.client("s3")
    key = evidence_key(profile, release_digest)
    try:
        answer = client.get_object(Bucket=profile.state_bucket, Key=key, ExpectedBucketOwner=profile.account_id)
    except (client.exceptions.NoSuchKey, client.exceptions.NoSuchBucket):
        return None
    body = answer["Body"].read()
    try:
        evidence = Evidence.model_validate_json(body)
    except ValidationError as error:
        location, sentence = next(explain(error, Evidence))
        raise FailedError(
            f"s3://{profile.state_bucket}/{key}: {dotted(location)}: {sentence}",
            hints=[f"verify again: glue verify-endpoint --env {profile.environment}"],
        ) from error
    return evidence, hashlib.sha256(body).hexdigest()
