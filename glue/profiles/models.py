"""The sections of a profile, their fields with units and limits.

Limits of SageMaker come from the API's service model (botocore, `sagemaker`), the floors from measured cold starts:
a model that takes minutes to load fails under the service's own defaults of 60 s.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glue.profiles.fields import (
    AccountId,
    BucketName,
    Days,
    Email,
    EndpointKey,
    EnvironmentName,
    FilterPolicy,
    HttpsUrl,
    InstanceType,
    KeyArn,
    KeyPrefix,
    LogRetention,
    Prefix,
    QueueArn,
    Region,
    ScheduleExpression,
    ScheduleName,
    SecurityGroupId,
    SubnetId,
    Suffix,
    TagKey,
    TagValue,
    Text,
    TimeZone,
    UploadPrefix,
    VariableName,
    WorkloadName,
)

TIMEOUT_FLOORS = {"server": 300, "startup": 600, "model_download": 600}
"""Seconds below which a timeout is refused unless the profile allows short ones, with a reason."""

MAX_DEPLOYMENT_WAIT = 2700
"""Seconds that an update may wait in all: the provider gives up after an hour, and new instances must start in it.

Source: terraform-provider-aws 5.100, internal/service/sagemaker/endpoint.go, waitEndpointInService.
"""
SEVERITIES = ("none", "informational", "low", "medium", "high", "critical")
"""Of findings in an image, the worst last (ECR's `FindingSeverity`; `none` is ours, `UNDEFINED` has no rank)."""


class Section(BaseModel):
    """A part of a profile: unknown keys and wrong types are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class State(Section):
    """Where Terraform's state lies. `bucket` defaults to a name made of prefix, account and region."""

    bucket: BucketName | None = None
    """Its name; by default made of prefix, account and region."""
    key_prefix: KeyPrefix = "state"
    """Where in the bucket state and evidence lie."""


class Kms(Section):
    """The environment's encryption key: one that Terraform creates, an existing one, or AWS's own (neither)."""

    create: bool = False
    """Have Terraform make a key."""
    key_arn: KeyArn | None = None
    """Use this key."""

    @property
    def enabled(self) -> bool:
        """Whether the data of the environment is encrypted with a key of its own."""
        return self.create or self.key_arn is not None


class Vpc(Section):
    """The network the endpoints' instances are attached to."""

    subnet_ids: Annotated[list[SubnetId], Field(min_length=1)]
    """The subnets of the instances."""
    security_group_ids: Annotated[list[SecurityGroupId], Field(min_length=1)]
    """The security groups of the instances."""


class NotificationQueue(Section):
    """A queue that gets the messages of an endpoint, with a dead-letter queue beside it. Limits are those of SQS."""

    visibility_timeout_seconds: Annotated[int, Field(ge=0, le=43200)] = 30
    """How long a message that was received is hidden from other receivers."""
    retention_seconds: Annotated[int, Field(ge=60, le=1209600)] = 345600
    """How long a message that nobody deletes is kept."""
    max_receives: Annotated[int, Field(ge=1, le=1000)] = 5
    """How often a message is received before it becomes a dead letter."""


class FilterPolicies(Section):
    """Which messages each kind of subscriber gets: filter policies of SNS on the message's body; without one, all."""

    emails: FilterPolicy | None = None
    """Of the addresses, such as `{invocationStatus: [Failed]}`."""
    sqs_queue_arns: FilterPolicy | None = None
    """Of the existing queues."""
    https: FilterPolicy | None = None
    """Of the webhooks."""
    queue: FilterPolicy | None = None
    """Of the endpoint's own queue."""


class Notifications(Section):
    """Who hears of results and failures."""

    emails: list[Email] = []
    """Addresses; each must confirm its subscription."""
    sqs_queue_arns: list[QueueArn] = []
    """Queues, whose own policies allow the topics to send."""
    https: list[HttpsUrl] = []
    """Webhooks, which must confirm their subscription."""
    queue: NotificationQueue | None = None
    """A queue for each endpoint, made with its dead letters; nothing: there is none."""
    filter_policies: FilterPolicies = FilterPolicies()
    """Which messages each kind of subscriber gets."""


class Recipients(Section):
    """Who is told of alarms and of the budget."""

    emails: list[Email] = []
    """Addresses; each must confirm its subscription."""
    https: list[HttpsUrl] = []
    """Webhooks, which must confirm their subscription."""


class ReplicationDestination(Section):
    """A place that images are copied to when they are pushed."""

    region: Region
    """Such as us-west-2."""
    account_id: AccountId | None = None
    """Another account, whose registry must let this one replicate; by default the same."""


class Model(Section):
    """Where an endpoint's model comes from: inside the image, one archive, or a prefix of plain files in S3."""

    source: Literal["auto", "bundled", "archive", "prefix"] = "auto"
    """bundled: inside the image; archive: model.tar.gz; prefix: plain files in S3; auto: prefix if above 100 MB."""


class Timeouts(Section):
    """Seconds. SageMaker's limits are 3600 for each."""

    server: Annotated[int, Field(ge=1, le=3600)]
    """How long the server in the container lets a request run; floor 300."""
    startup: Annotated[int, Field(ge=60, le=3600)]
    """How long a container may take until it answers the health check; floor 600."""
    model_download: Annotated[int, Field(ge=60, le=3600)]
    """How long an instance may take to fetch the model; floor 600."""
    invocation: Annotated[int, Field(ge=1, le=3600)]
    """How long one request may take; at most the server's."""


class Schedule(Section):
    """Bounds that hold from a moment of the clock on, until another schedule sets others."""

    schedule: ScheduleExpression
    """Such as cron(0 7 ? * MON-FRI *), rate(1 day) or at(2030-01-31T07:00:00)."""
    timezone: TimeZone = "UTC"
    """Whose clock: the name of a time zone, such as Europe/Berlin."""
    min: Annotated[int, Field(ge=0, le=100)]
    """The fewest instances from then on."""
    max: Annotated[int, Field(ge=1, le=100)]
    """The most instances from then on."""


class Autoscaling(Section):
    """Instances, and how many waiting requests an instance should have. Cooldowns in seconds."""

    min: Annotated[int, Field(ge=0, le=100)]
    """0 lets an idle endpoint scale to zero."""
    max: Annotated[int, Field(ge=1, le=100)]
    """The most instances there may be."""
    backlog_per_instance: Annotated[float, Field(gt=0, le=10000)]
    """Waiting requests per instance that scaling aims at."""
    scale_in_cooldown: Annotated[int, Field(ge=0, le=86400)]
    """Seconds between removals of instances."""
    scale_out_cooldown: Annotated[int, Field(ge=0, le=86400)]
    """Seconds between additions of instances."""
    schedules: dict[ScheduleName, Schedule] = {}
    """Other bounds by the clock; with them, `min` and `max` say only where the endpoint begins."""


class Deployment(Section):
    """How an update replaces the running fleet (blue/green): both run until the traffic has moved and the bake is over.

    Its waits together may take 2700 s: Terraform's provider gives an update an hour, and instances must start in it.
    """

    strategy: Literal["all_at_once", "canary", "linear"] = "all_at_once"
    """How the traffic moves: in one step, one part and then the rest, or in equal parts."""
    step_percent: Annotated[int, Field(ge=1, le=50)] = 50
    """canary and linear: the share of the instances that a step moves, at least one; linear from 10."""
    step_interval_seconds: Annotated[int, Field(ge=0, le=MAX_DEPLOYMENT_WAIT)] = 300
    """canary and linear: seconds between two steps."""
    bake_seconds: Annotated[int, Field(ge=0, le=MAX_DEPLOYMENT_WAIT)] = 0
    """Seconds for which the old fleet stays after the last step."""
    rollback_alarms: bool = True
    """Undo an update until its bake is over when the container answers with 5xx."""

    @property
    def wait_seconds(self) -> int:
        """Seconds of all intervals between steps and of the bake."""
        steps = {"all_at_once": 1, "canary": 2, "linear": math.ceil(100 / self.step_percent)}[self.strategy]
        return (steps - 1) * self.step_interval_seconds + self.bake_seconds


class Alarms(Section):
    """When people are told of an endpoint's trouble. Events are counted over five minutes."""

    enabled: bool = True
    """Watch the endpoint."""
    failures: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    """Requests that failed, clients' mistakes included."""
    server_errors: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Answers of the container with 5xx."""
    expired_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Requests that were given up because they had waited for too long."""
    transfer_failures: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Inputs that could not be read, or results that could not be written."""
    notification_failures: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Results that nobody could be told of."""
    oldest_request_minutes: Annotated[int, Field(ge=1, le=360)] = 60
    """How long a request may wait; after 360 minutes it expires."""
    without_capacity_minutes: Annotated[int, Field(ge=1, le=360)] = 20
    """How long requests may wait for a first instance."""


class DataExpiry(Section):
    """Days after which the objects of every endpoint go, by kind; a kind without a number stays."""

    inputs: Days | None = None
    """What clients sent."""
    uploads: Days | None = None
    """What was uploaded for a trigger, and the receipts of it."""
    results: Days | None = None
    """Answers."""
    failures: Days | None = None
    """Reports of failures."""
    others: Days | None = None
    """All else in the data bucket, such as what an endpoint or a trigger left that is gone; not before any kind."""
    noncurrent: Days = 7
    """Versions that were overwritten or have expired."""


class Trigger(Section):
    """Uploads that become requests: each version of an object once."""

    prefix: UploadPrefix | None = None
    """How the keys of uploads to the data bucket begin: folders such as blueprints/; by default <endpoint>/uploads/."""
    suffixes: Annotated[list[Suffix], Field(max_length=16)] = []
    """How they end, such as .png, in the case that is given; none: in any way."""
    reserved_concurrency: Annotated[int, Field(ge=1, le=1000)] = 5
    """Uploads that are put into the queue at the same time: the throttle, taken from the account's Lambda limit."""


class ImageScan(Section):
    """What the registry's scan of a pushed image may find."""

    worst_allowed: Literal["none", "informational", "low", "medium", "high", "critical"] = "high"
    """The worst severity that a finding may have; a worse one refuses the release."""
    wait_seconds: Annotated[int, Field(ge=10, le=3600)] = 600
    """How long the scan's result is waited for."""
    unscanned: Literal["refuse", "allow"] = "refuse"
    """What becomes of an image that the registry cannot scan, such as one of a system that it does not know."""


class Endpoint(Section):
    """One asynchronous endpoint."""

    workload: WorkloadName
    """A folder of `container/workloads`."""
    instance_type: InstanceType
    """Such as ml.m5.xlarge."""
    model: Model = Model()
    """Where the model comes from."""
    environment: dict[VariableName, Text] = {}
    """Variables for the container, beside those that the platform sets."""
    timeouts: Timeouts
    """Declared here once, rendered to every place that needs them."""
    allow_short_timeouts: bool = False
    """Accept timeouts below their floors."""
    short_timeouts_reason: Text | None = None
    """Why they may be short; needed to allow it."""
    max_concurrent_invocations: Annotated[int, Field(ge=1, le=1000)]
    """Requests that one instance works on at once."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes of the server in the container; each loads the model anew."""
    autoscaling: Autoscaling
    """How many instances there are."""
    include_response_in_notifications: bool = False
    """Put the answer (up to 128 KB) into the notification."""
    network_isolation: bool | None = None
    """Give the container no network; nothing: unless its workload says it needs one (`container.network`)."""
    deployment: Deployment = Deployment()
    """How updates are rolled out."""
    trigger: Trigger | None = None
    """Make a request of every upload; without it, requests are made by clients only. `{}` takes the defaults."""
    alarms: Alarms = Alarms()
    """When people are told of trouble."""


class Profile(Section):
    """An environment, complete: `defaults.yaml` merged under `<environment>.yaml`."""

    environment: EnvironmentName
    """The environment's name, equal to the file's."""
    cloud: Literal["aws", "local"] = "aws"
    """Where it lives: AWS, or this machine's local cloud."""
    region: Region
    """Such as us-east-1."""
    account_id: AccountId
    """12 digits, quoted."""
    name_prefix: Prefix
    """The first part of every name."""
    tags: dict[TagKey, TagValue] = {}
    """Tags of everything that can have them."""
    owner: TagValue
    """Who to ask; a tag as well."""
    state: State = State()
    """Where Terraform's state lies."""
    kms: Kms = Kms()
    """The key that encrypts what the environment stores and sends."""
    vpc: Vpc | None = None
    """A network for the instances; without it they have none of yours."""
    notifications: Notifications = Notifications()
    """Who is told of results and failures."""
    alarm_recipients: Recipients | None = None
    """Who is told of alarms and of the budget; without it the emails and webhooks of `notifications`."""
    budget_usd: Annotated[float, Field(gt=0, le=100_000_000)] | None = None
    """US dollars that the environment may cost in a month; nothing: no budget."""
    log_retention_days: LogRetention
    """How long the endpoints' logs are kept."""
    data_expiry_days: DataExpiry | None = None
    """Days after which inputs and results are removed; nothing: they stay."""
    abort_uploads_days: Days | None = 7
    """Days after which an upload in parts that was never completed is aborted; nothing (`null`): never."""
    access_log_retention_days: Days | None = None
    """Days for which each access to the buckets is kept in a log, then deleted within a day; nothing: not logged."""
    deletion_protection: bool = False
    """Refuse to destroy the environment."""
    force_destroy: bool = False
    """Let a destroy remove buckets and repositories that are not empty."""
    image_replication: Annotated[list[ReplicationDestination], Field(max_length=25)] = []
    """Other regions or accounts that images are copied to when they are pushed, for environments there."""
    image_scan: ImageScan = ImageScan()
    """Which findings of the registry's scan refuse an image."""
    consumer_account_ids: list[AccountId] = []
    """Other accounts that run what is built here: they may pull images and read artifacts."""
    endpoints: Annotated[dict[EndpointKey, Endpoint], Field(min_length=1)]
    """The endpoints by a short name of each."""

    @property
    def state_bucket(self) -> str:
        """The bucket of Terraform's state and of the evidence beside it."""
        return self.state.bucket or f"{self.name_prefix}-{self.account_id}-{self.region}-state"

    def upload_prefix(self, key: str) -> str | None:
        """Where uploads for the endpoint `key` go; None when it has no trigger."""
        trigger = self.endpoints[key].trigger
        return (trigger.prefix or f"{key}/uploads/") if trigger else None

    @property
    def told_of_alarms(self) -> Recipients:
        """Who is told of alarms and of the budget."""
        return self.alarm_recipients or Recipients(emails=self.notifications.emails, https=self.notifications.https)

    @property
    def workloads(self) -> frozenset[str]:
        """The workloads that the environment's endpoints run."""
        return frozenset(endpoint.workload for endpoint in self.endpoints.values())


def document(section: Section) -> Mapping[str, Any]:
    """`section` as plain JSON data."""
    return section.model_dump(mode="json")
