"""What a single value of a profile may be: names, addresses, patterns and lengths."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError


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
UploadPrefix = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]+/)+$", max_length=256)]
Suffix = Annotated[str, StringConstraints(pattern=r"^(\.[A-Za-z0-9]{1,16}){1,2}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=1024)]
# Source: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
FilterPolicy = Annotated[dict[str, list[JsonValue] | dict[str, list[JsonValue]]], Field(min_length=1, max_length=5)]
Days = Annotated[int, Field(ge=1, le=3650)]
ScheduleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=64)]
ScheduleExpression = Annotated[
    str,
    StringConstraints(
        pattern=r"^(cron\(\S+( \S+){5}\)|rate\([1-9][0-9]* (minute|hour|day)s?\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))$"
    ),
]
TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$", max_length=64)]
LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
