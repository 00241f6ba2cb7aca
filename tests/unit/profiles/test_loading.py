"""Profiles that are right load; every mistake is named with file, line, field and what is allowed."""

import json
from pathlib import Path
from typing import Any

import pytest

from glue.errors import UsageError
from glue.profiles import load_profile, load_profiles
from glue.profiles.models import Deployment
from glue.project import Project

GOOD = """\
environment: try
account_id: "111122223333"
endpoints:
  detector:
    workload: location_detector
    instance_type: ml.m5.xlarge
"""

KEY = "arn:aws:kms:us-east-1:111122223333:key/a"


def linear(step_percent: int, **fields: int) -> str:
    """An endpoint's fields: linear updates of three instances."""
    deployment = {"strategy": "linear", "step_percent": step_percent, "step_interval_seconds": 0} | fields
    return f"deployment: {json.dumps(deployment)}\n    autoscaling: {{min: 3, max: 3}}"


def schedule(**fields: object) -> str:
    """An endpoint's field: a schedule."""
    day = {"schedule": "rate(1 day)", "min": 1, "max": 2} | fields
    return "autoscaling: " + json.dumps({"schedules": {"day": day}})


@pytest.fixture
def envs(project: Project) -> Path:
    (project.envs_dir / "try.yaml").write_text(GOOD)
    return project.envs_dir


def refusal(envs: Path, text: str) -> str:
    (envs / "try.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_profile(envs, "try")
    return caught.value.message


def test_every_profile_of_the_project_is_valid(project: Project) -> None:
    assert set(load_profiles(project.envs_dir)) == {"local", "dev", "staging", "prod"}


def test_defaults_are_merged_under_the_profile_and_under_each_endpoint(envs: Path) -> None:
    profile = load_profile(envs, "try")
    assert profile.region == "us-east-1"
    assert profile.endpoints["detector"].timeouts.server == 900
    (envs / "try.yaml").write_text(GOOD + "    timeouts: {server: 1000}\n")
    timeouts = load_profile(envs, "try").endpoints["detector"].timeouts
    assert (timeouts.server, timeouts.startup) == (1000, 900)


def test_an_environment_without_a_profile_is_refused_with_the_names_there_are(envs: Path) -> None:
    with pytest.raises(UsageError, match=r"no environment 'nope'.*dev, local, prod, staging, try"):
        load_profile(envs, "nope")


@pytest.mark.parametrize(
    ("change", "line", "field", "words"),
    [
        (("environment: try", "environment: other"), 1, "environment", "allowed is 'try'"),
        (('"111122223333"', "111122223333"), 2, "account_id", "string"),
        (('"111122223333"', '"1111"'), 2, "account_id", "1111"),
        (("endpoints:", "bogus: 1\nendpoints:"), 3, "bogus", "unknown key"),
        (("ml.m5.xlarge", "m5.xlarge"), 6, "endpoints.detector.instance_type", "m5.xlarge"),
        (("detector:", "Detector:"), 4, "endpoints.Detector", "Detector"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    sice: 2"), 7, "endpoints.detector.sice", "allowed is one of"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {server: 60}"), 7, "endpoints.detector.timeouts.server", "300"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {startup: 60}"), 7, "timeouts.startup", "600"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {model_download: 60}"), 7, "timeouts.model_download", "600"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {server: 300, invocation: 301}"), 7, "invocation", "1 to 300"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {invocation: 3601}"), 7, "timeouts.invocation", "3600"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    timeouts: {invocation: true}"), 7, "timeouts.invocation", "True"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    allow_short_timeouts: true"), 7, "allow_short_timeouts", "reason"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    autoscaling: {min: 5}"), 7, "autoscaling.min", "allowed is 0 to 2"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    autoscaling: {min: -1}"), 7, "autoscaling.min", "-1"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    max_concurrent_invocations: 0"), 7, "max_concurrent", "0"),
        (("ml.m5.xlarge", 'ml.m5.xlarge\n    environment: {A: "x\\ny"}'), 7, "environment.A", "control"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    environment: {A-B: x}"), 7, "environment.A-B", "A-B"),
        (("endpoints:", "log_retention_days: 8\nendpoints:"), 3, "log_retention_days", "8"),
        (("endpoints:", "notifications: {emails: [nobody]}\nendpoints:"), 3, "notifications.emails.0", "nobody"),
        (("endpoints:", "notifications: {https: ['http://x']}\nendpoints:"), 3, "notifications.https.0", "http://x"),
        (("endpoints:", "tags: {'aws:x': y}\nendpoints:"), 3, "tags.aws:x", "reserved"),
        (("endpoints:", "region: mars\nendpoints:"), 3, "region", "mars"),
        (("endpoints:", "name_prefix: Bad_Prefix\nendpoints:"), 3, "name_prefix", "Bad_Prefix"),
        (("endpoints:", "consumer_account_ids: ['111122223333']\nendpoints:"), 3, "consumer_account_ids", "this"),
        (("endpoints:", "deletion_protection: true\nforce_destroy: true\nendpoints:"), 4, "force_destroy", "one of"),
        (("endpoints:", f"kms: {{create: true, key_arn: '{KEY}'}}\nendpoints:"), 3, "kms.key_arn", "one of them"),
        (("endpoints:", "vpc: {subnet_ids: [], security_group_ids: [sg-1]}\nendpoints:"), 3, "subnet_ids", "at least"),
        (("endpoints:", "state: {bucket: Not_A_Bucket}\nendpoints:"), 3, "state.bucket", "Not_A_Bucket"),
        (("endpoints:", "budget_usd: 0\nendpoints:"), 3, "budget_usd", "greater than 0"),
        (("endpoints:", "alarm_recipients: {emails: [me]}\nendpoints:"), 3, "alarm_recipients.emails.0", "me"),
        (("endpoints:", "alarm_recipients: {sms: ['1']}\nendpoints:"), 3, "alarm_recipients.sms", "unknown key"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    workers: 65"), 7, "workers", "64"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    environment: {MODEL_SERVER_WORKERS: '2'}"), 7, "MODEL_SERVER", "workers"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    alarms: {failures: 0}"), 7, "alarms.failures", "1"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    alarms: {oldest_request_minutes: 0}"), 7, "oldest_request", "1"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    alarms: {latency: 1}"), 7, "alarms.latency", "unknown key"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    deployment: {strategy: a}"), 7, "deployment.strategy", "canary"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    deployment: {strategy: canary}"), 7, "deployment.strategy", "from 2"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    deployment: {step_percent: 51}"), 7, "deployment.step_percent", "50"),
        (("ml.m5.xlarge", "ml.m5.xlarge\n    deployment: {bake_seconds: 2701}"), 7, "deployment.bake_seconds", "2700"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {linear(9)}"), 7, "deployment.step_percent", "10 to 50"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {linear(30)}"), 7, "deployment.strategy", "from 4"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {linear(34, step_interval_seconds=1351)}"), 7, "bake_seconds", "2702 s"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {schedule(min=3)}"), 7, "schedules.day.min", "allowed is 0 to 2"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {schedule(schedule='cron(0 7 * * MON)')}"), 7, "day.schedule", "cron"),
        (("ml.m5.xlarge", f"ml.m5.xlarge\n    {schedule(timezone='+02:00')}"), 7, "day.timezone", "+02:00"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_field_and_value(
    envs: Path, change: tuple[str, str], line: int, field: str, words: str
) -> None:
    message = refusal(envs, GOOD.replace(*change))
    [found] = [text for text in message.splitlines() if field in text and words in text]
    assert found.startswith(f"{envs / 'try.yaml'}:{line}: ")


def test_all_mistakes_are_told_at_once(envs: Path) -> None:
    message = refusal(envs, GOOD.replace("111122223333", "x").replace("ml.m5.xlarge", "x"))
    assert "2 mistakes" in message


def test_a_mistake_in_the_defaults_names_the_defaults_file(envs: Path) -> None:
    defaults = envs / "defaults.yaml"
    defaults.write_text(defaults.read_text().replace("region: us-east-1", "region: nowhere"))
    assert f"{defaults}:2: region" in refusal(envs, GOOD)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected `key: value` lines"),
        ("- a\n- b\n", "expected `key: value` lines"),
        ("a: [1\n", "not valid YAML"),
        (GOOD + 'account_id: "444455556666"\n', "try.yaml:7: account_id: given twice (first on line 2)"),
        (GOOD + "    instance_type: ml.m5.large\n", "try.yaml:7: endpoints.detector.instance_type: given twice"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "merge key"),
        ("when: 2026-99-99\n", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
    ],
)
def test_what_is_no_plain_mapping_is_refused(envs: Path, text: str, words: str) -> None:
    assert words in refusal(envs, text)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("deletion_protection: true", "deletion_protection: false", "deletion_protection"),
        ("kms:\n  create: true", "kms:\n  create: false", "kms"),
        ("deletion_protection: true", "force_destroy: true", "force_destroy"),
        ("bake_seconds: 600", "bake_seconds: 600\n      rollback_alarms: false", "rollback_alarms"),
        ("    deployment:", "    alarms:\n      enabled: false\n    deployment:", "alarms.enabled"),
        ("alarm_recipients:\n  emails: [platform-team@example.com]", "alarm_recipients: {}", "alarm_recipients"),
    ],
)
def test_prod_must_be_protected(project: Project, old: str, new: str, field: str) -> None:
    file = project.envs_dir / "prod.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(UsageError, match=rf"{field}.*prod must"):
        load_profile(project.envs_dir, "prod")


def test_short_timeouts_are_allowed_with_a_reason(envs: Path) -> None:
    text = "    allow_short_timeouts: true\n    short_timeouts_reason: loads in a second\n    timeouts: {startup: 60}\n"
    (envs / "try.yaml").write_text(GOOD + text)
    assert load_profile(envs, "try").endpoints["detector"].timeouts.startup == 60


def test_the_people_of_the_notifications_are_told_of_alarms_unless_others_are_named(envs: Path) -> None:
    text = "notifications: {emails: [team@example.com], https: ['https://example.com/x']}\n"
    (envs / "try.yaml").write_text(GOOD + text)
    told = load_profile(envs, "try").told_of_alarms
    assert (told.emails, told.https) == (["team@example.com"], ["https://example.com/x"])
    (envs / "try.yaml").write_text(GOOD + text + "alarm_recipients: {emails: [on-call@example.com]}\n")
    told = load_profile(envs, "try").told_of_alarms
    assert (told.emails, told.https) == (["on-call@example.com"], [])


@pytest.mark.parametrize(
    ("deployment", "seconds"),
    [
        ({"bake_seconds": 60}, 60),
        ({"bake_seconds": 60, "step_interval_seconds": 100, "strategy": "canary"}, 160),
        ({"bake_seconds": 60, "step_interval_seconds": 100, "strategy": "linear", "step_percent": 50}, 160),
        ({"bake_seconds": 60, "step_interval_seconds": 100, "strategy": "linear", "step_percent": 30}, 360),
        ({"bake_seconds": 60, "step_interval_seconds": 100, "strategy": "linear", "step_percent": 10}, 960),
    ],
)
def test_an_update_waits_between_its_steps_and_in_its_bake(deployment: dict[str, Any], seconds: int) -> None:
    assert Deployment(**deployment).wait_seconds == seconds
