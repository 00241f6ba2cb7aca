"""The fields of a profile, with their types, units and limits.

Limits of SageMaker come from the API's service model (botocore, `sagemaker`), the floors from measured cold starts:
a model that takes minutes to load fails under the service's own defaults of 60 s.
"""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

TIMEOUT_FLOORS = {"server": 300, "startup": 600, "model_download": 600}
"""Seconds below which a timeout is refused unless the profile allows short ones, with a reason."""


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise PydanticCustomError("control_character", "control characters are not allowed")
    # Terraform normalises every string to NFC; doing it here keeps the second plan empty.
    return unicodedata.normalize("NFC", text)


def _not_reserved(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise PydanticCustomError("reserved_tag", "keys that start with aws: are reserved by AWS")
    return key


Text = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=16)]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=12)]
EndpointKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=32)]
WorkloadName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=32)]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")]
KeyPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128)]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9]+(-[a-z0-9]+)?\.[a-z0-9-]+$")]
SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]+$")]
SecurityGroupId = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]+$")]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$")]
QueueArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\"\\]+@[^@\s\"\\]+\.[^@\s\"\\]+$", max_length=254)]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s\"\\]+$", max_length=2048)]
TagKey = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]+$", max_length=128), AfterValidator(_not_reserved)]
TagValue = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]*$", max_length=256), AfterValidator(_printable)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=1024)]
LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class Section(BaseModel):
    """A part of a profile: unknown keys and wrong types are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class State(Section):
    """Where Terraform's state lies. `bucket` defaults to a name made of prefix, account and region."""

    bucket: BucketName | None = None
    key_prefix: KeyPrefix = "state"


class Kms(Section):
    """The environment's encryption key: one that Terraform creates, an existing one, or AWS's own (neither)."""

    create: bool = False
    key_arn: KeyArn | None = None

    @property
    def enabled(self) -> bool:
        """Whether the data of the environment is encrypted with a key of its own."""
        return self.create or self.key_arn is not None


class Vpc(Section):
    """The network the endpoints' instances are attached to."""

    subnet_ids: Annotated[list[SubnetId], Field(min_length=1)]
    security_group_ids: Annotated[list[SecurityGroupId], Field(min_length=1)]


class Notifications(Section):
    """Who hears of results and failures."""

    emails: list[Email] = []
    sqs_queue_arns: list[QueueArn] = []
    https: list[HttpsUrl] = []


class Model(Section):
    """Where an endpoint's model comes from: inside the image, one archive, or a prefix of plain files in S3."""

    source: Literal["bundled", "archive", "prefix"] = "archive"


class Timeouts(Section):
    """Seconds. SageMaker's limits are 3600 for each."""

    server: Annotated[int, Field(ge=1, le=3600)]
    startup: Annotated[int, Field(ge=60, le=3600)]
    model_download: Annotated[int, Field(ge=60, le=3600)]
    invocation: Annotated[int, Field(ge=1, le=3600)]


class Autoscaling(Section):
    """Instances, and how many waiting requests an instance should have. Cooldowns in seconds."""

    min: Annotated[int, Field(ge=0, le=100)]
    max: Annotated[int, Field(ge=1, le=100)]
    backlog_per_instance: Annotated[float, Field(gt=0, le=10000)]
    scale_in_cooldown: Annotated[int, Field(ge=0, le=86400)]
    scale_out_cooldown: Annotated[int, Field(ge=0, le=86400)]


class Deployment(Section):
    """How an update replaces the running fleet (blue/green): both run for `bake_seconds` before the old one goes."""

    bake_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    rollback_alarms: bool = True


class Endpoint(Section):
    """One asynchronous endpoint."""

    workload: WorkloadName
    instance_type: InstanceType
    model: Model = Model()
    environment: dict[VariableName, Text] = {}
    timeouts: Timeouts
    allow_short_timeouts: bool = False
    short_timeouts_reason: Text | None = None
    max_concurrent_invocations: Annotated[int, Field(ge=1, le=1000)]
    autoscaling: Autoscaling
    include_response_in_notifications: bool = False
    deployment: Deployment = Deployment()


class Profile(Section):
    """An environment, complete: `defaults.yaml` merged under `<environment>.yaml`."""

    environment: EnvironmentName
    cloud: Literal["aws", "local"] = "aws"
    region: Region
    account_id: AccountId
    name_prefix: Prefix
    tags: dict[TagKey, TagValue] = {}
    owner: TagValue
    state: State = State()
    kms: Kms = Kms()
    vpc: Vpc | None = None
    notifications: Notifications = Notifications()
    log_retention_days: LogRetention
    data_expiry_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    deletion_protection: bool = False
    force_destroy: bool = False
    consumer_account_ids: list[AccountId] = []
    endpoints: Annotated[dict[EndpointKey, Endpoint], Field(min_length=1)]

    @property
    def state_bucket(self) -> str:
        """The bucket of Terraform's state and of the evidence beside it."""
        return self.state.bucket or f"{self.name_prefix}-{self.account_id}-{self.region}-state"

    @property
    def workloads(self) -> frozenset[str]:
        """The workloads that the environment's endpoints run."""
        return frozenset(endpoint.workload for endpoint in self.endpoints.values())


def document(section: Section) -> Mapping[str, Any]:
    """`section` as plain JSON data."""
    return section.model_dump(mode="json")
