"""A table of bad profiles: each mistake is answered with its file, its field, the value found and what is allowed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from glue.errors import UsageError
from glue.profiles import load_profile
from glue.project import Project

KEY = "arn:aws:kms:us-east-1:111122223333:key/a"
GOOD: dict[str, Any] = {
    "environment": "try",
    "account_id": "111122223333",
    "endpoints": {"rooms": {"workload": "location_detector", "instance_type": "ml.m5.xlarge"}},
}
ROOMS = "endpoints.rooms"
SCHEDULE = {"schedule": "cron(0 7 ? * MON-FRI *)", "min": 1, "max": 2}

# The field, the value it is given, what the answer says is allowed.
MISTAKES: list[tuple[str, Any, str]] = [
    ("environment", "Try", "pattern"),
    ("environment", "developmental", "at most 12"),
    ("cloud", "azure", "'aws' or 'local'"),
    ("region", "us-east", "pattern"),
    ("region", 1, "string"),
    ("account_id", "1111-2222-3333", "pattern"),
    ("account_id", 111122223333, "string"),
    ("name_prefix", "platform-", "pattern"),
    ("name_prefix", "platform-platform", "at most 16"),
    ("owner", "one\nof us", "pattern"),
    ("tags.aws:project", "x", "reserved"),
    ("tags.project", "a|b", "pattern"),
    ("state.bucket", "State", "pattern"),
    ("state.key_prefix", "/state", "pattern"),
    ("kms.create", "yes", "boolean"),
    ("kms.key_arn", "alias/platform", "pattern"),
    ("vpc.subnet_ids", [], "at least 1"),
    ("vpc.subnet_ids.0", "subnet-x", "pattern"),
    ("vpc.security_group_ids.0", "default", "pattern"),
    ("notifications.emails.0", "platform-team", "pattern"),
    ("notifications.emails", "platform-team@example.com", "list"),
    ("notifications.sqs_queue_arns.0", "https://sqs.us-east-1.amazonaws.com/111122223333/results", "pattern"),
    ("notifications.sqs_queue_arns.0", "arn:aws:sqs:us-east-1:111122223333:results.fifo", "pattern"),
    ("notifications.https.0", "http://example.com", "pattern"),
    ("notifications.queue.visibility_timeout_seconds", 86400, "less than or equal to 43200"),
    ("notifications.queue.retention_seconds", 1, "greater than or equal to 60"),
    ("notifications.queue.max_receives", 0, "greater than or equal to 1"),
    ("notifications.queue.fifo", True, "allowed is one of max_receives, retention_seconds"),
    ("notifications.filter_policies.emails", {}, "at least 1"),
    ("notifications.filter_policies.queue", {"invocationStatus": ["Failed"]}, "allowed beside a queue"),
    ("notifications.filter_policies.sms", {"invocationStatus": ["Failed"]}, "allowed is one of emails, https"),
    ("log_retention_days", 8, "1, 3, 5, 7"),
    ("data_expiry_days", 30, "DataExpiry"),
    ("data_expiry_days.inputs", 0, "greater than or equal to 1"),
    ("data_expiry_days.logs", 30, "allowed is one of failures, inputs"),
    ("data_expiry_days.noncurrent", 3651, "less than or equal to 3650"),
    ("abort_uploads_days", 0, "greater than or equal to 1"),
    ("access_log_retention_days", 0.5, "integer"),
    ("data_expiry_days", {"inputs": 30, "uploads": 30, "results": 90, "failures": 30, "others": 60}, "results has 90"),
    ("data_expiry_days", {"inputs": 30, "uploads": 30, "results": 90, "others": 90}, "failures stays"),
    ("image_replication.0.region", "mars", "pattern"),
    ("image_replication.0.account_id", "production", "pattern"),
    ("image_replication", [{"region": "us-east-1"}], "allowed are other regions or accounts"),
    ("image_replication", [{"region": "us-west-2"}, {"region": "us-west-2"}], "allowed is each"),
    ("deletion_protection", "on", "boolean"),
    ("force_destroy", 1, "boolean"),
    ("consumer_account_ids.0", "staging", "pattern"),
    ("consumer_account_ids", ["111122223333"], "other accounts"),
    ("endpoints", {}, "at least 1"),
    ("endpoints.Rooms", GOOD["endpoints"]["rooms"], "pattern"),
    (f"{ROOMS}.workload", "location-detector", "pattern"),
    (f"{ROOMS}.workload", None, "string"),
    (f"{ROOMS}.instance_type", "m5.xlarge", "pattern"),
    (f"{ROOMS}.instance_count", 2, "allowed is one of"),
    (f"{ROOMS}.model.source", "hub", "'bundled', 'archive' or 'prefix'"),
    (f"{ROOMS}.environment.LOG-LEVEL", "debug", "pattern"),
    (f"{ROOMS}.environment.LOG_LEVEL", "debug\x07", "control characters"),
    (f"{ROOMS}.environment.LOG_LEVEL", "", "at least 1"),
    (f"{ROOMS}.timeouts.server", 60, "300 to 3600"),
    (f"{ROOMS}.timeouts.startup", 60, "600 to 3600"),
    (f"{ROOMS}.timeouts.model_download", 60, "600 to 3600"),
    (f"{ROOMS}.timeouts.startup", 59, "greater than or equal to 60"),
    (f"{ROOMS}.timeouts.invocation", 901, "1 to 900"),
    (f"{ROOMS}.timeouts.invocation", 3601, "less than or equal to 3600"),
    (f"{ROOMS}.timeouts.invocation", "60", "integer"),
    (f"{ROOMS}.allow_short_timeouts", True, "short_timeouts_reason"),
    (f"{ROOMS}.max_concurrent_invocations", 1001, "less than or equal to 1000"),
    (f"{ROOMS}.autoscaling.min", -1, "greater than or equal to 0"),
    (f"{ROOMS}.autoscaling.min", 3, "0 to 2"),
    (f"{ROOMS}.autoscaling.max", 0, "greater than or equal to 1"),
    (f"{ROOMS}.autoscaling.backlog_per_instance", 0, "greater than 0"),
    (f"{ROOMS}.autoscaling.scale_in_cooldown", 86401, "less than or equal to 86400"),
    (f"{ROOMS}.autoscaling.scale_out_cooldown", -1, "greater than or equal to 0"),
    (f"{ROOMS}.autoscaling.schedules.day", {**SCHEDULE, "min": 3}, "0 to 2"),
    (f"{ROOMS}.autoscaling.schedules.day.schedule", "every day", "pattern"),
    (f"{ROOMS}.deployment.strategy", "rolling", "'all_at_once', 'canary' or 'linear'"),
    (f"{ROOMS}.deployment.bake_seconds", 3601, "less than or equal to"),
    (f"{ROOMS}.trigger.suffixes", [".png", ".png"], "each suffix once"),
    (f"{ROOMS}.trigger.reserved_concurrency", 0, "greater than or equal to 1"),
    (f"{ROOMS}.alarms.failures", 0, "greater than or equal to 1"),
]


def put(document: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """`document` with `value` at `path`; a step that is a number is the place in a list."""
    name, *rest = path
    if rest[:1] == ["0"]:
        inner: Any = [put({}, rest[1:], value)] if rest[1:] else [value]
    elif rest:
        inner = put(document.get(name, {}), rest, value)
    else:
        inner = value
    return {**document, name: inner}


def refusal(project: Project, document: dict[str, Any]) -> tuple[Path, str]:
    file = project.envs_dir / "try.yaml"
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(UsageError) as caught:
        load_profile(project.envs_dir, "try")
    return file, caught.value.message


@pytest.mark.parametrize(
    ("field", "value", "allowed"), MISTAKES, ids=[f"{field}={value}" for field, value, _ in MISTAKES]
)
def test_a_mistake_names_file_field_value_and_what_is_allowed(
    project: Project, field: str, value: Any, allowed: str
) -> None:
    file, message = refusal(project, put(GOOD, field.split("."), value))
    told = [line for line in message.splitlines()[1:] if f": {field}" in line]
    assert told, message
    assert all(line.startswith(f"{file}:") for line in told)
    assert any(allowed in line for line in told), message
    if isinstance(value, str | int | float) and "unknown key" not in told[0]:
        name = repr(field.rpartition(".")[2])  # in quotes where the name itself is the mistake
        shown = {repr(value), str(value), json.dumps(value), name}
        assert any(words in line for line in told for words in shown), message


def test_the_table_holds_at_least_sixty_different_mistakes() -> None:
    assert len({(field, repr(value)) for field, value, _ in MISTAKES}) >= 60


def test_a_profile_without_a_mistake_is_not_refused(project: Project) -> None:
    (project.envs_dir / "try.yaml").write_text(yaml.safe_dump(GOOD))
    assert load_profile(project.envs_dir, "try").environment == "try"
