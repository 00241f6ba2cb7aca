"""Each verdict on made-up facts: what passes, and what is said when it does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.checks.facts import EndpointFacts, Identity, ModelFacts, ScalingFacts
from glue.checks.verdicts import (
    SCALING_POLICIES,
    SERVER_TIMEOUT_VARIABLES,
    account_region,
    all_golden,
    announced,
    endpoint_in_service,
    image_digest,
    model_artifact,
    scaling,
    timeouts,
)
from glue.evidence import GoldenResult, Verdict
from glue.invocation.results import Notification
from glue.profiles.models import Autoscaling, Endpoint, Schedule, Timeouts

ACCOUNT, REGION = "111122223333", "us-east-1"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/detector"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/detector"
IMAGE = f"{REPOSITORY}@sha256:{'a' * 64}"
OTHER_IMAGE = f"{REPOSITORY}@sha256:{'b' * 64}"
URI = "s3://artifacts/detector/abc/model.tar.gz"
ENDPOINT = EndpointFacts("InService", "config-2", None, (IMAGE,))
MODEL = ModelFacts("model-2", IMAGE, URI, dict.fromkeys(SERVER_TIMEOUT_VARIABLES, "900"), 600, 700)
WHO = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/deployer")
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:detector-success"


def _profile(*, server: int = 900, startup: int = 600, download: int = 700, short: bool = False) -> Endpoint:
    return Endpoint(
        workload="detector",
        instance_type="ml.m5.large",
        timeouts=Timeouts(server=server, startup=startup, model_download=download, invocation=60),
        allow_short_timeouts=short,
        max_concurrent_invocations=1,
        autoscaling=Autoscaling(min=0, max=1, backlog_per_instance=1.0, scale_in_cooldown=1, scale_out_cooldown=1),
    )


def test_the_profile_s_account_and_region_pass() -> None:
    assert account_region(WHO, [ARN], account_id=ACCOUNT, region=REGION).verdict == "pass"


def test_another_account_s_credentials_fail() -> None:
    found = account_region(WHO, [ARN], account_id="444455556666", region=REGION)
    assert found.verdict == "fail"
    assert "the credentials belong to account 111122223333, the profile says 444455556666" in found.message


@pytest.mark.parametrize("arn", [ARN.replace(REGION, "eu-west-1"), ARN.replace(ACCOUNT, "444455556666")])
def test_an_endpoint_elsewhere_fails(arn: str) -> None:
    found = account_region(WHO, [ARN, arn], account_id=ACCOUNT, region=REGION)
    assert (found.verdict, arn in found.message) == ("fail", True)


def test_in_service_on_the_planned_configuration_passes() -> None:
    assert endpoint_in_service(ENDPOINT, name="detector", config_name="config-2").verdict == "pass"


def test_in_service_on_another_configuration_fails() -> None:
    found = endpoint_in_service(ENDPOINT, name="detector", config_name="config-3")
    assert found.verdict == "fail"
    assert "runs configuration config-2, Terraform planned config-3" in found.message
    assert found.measured["config_name"] == "config-2"


@given(st.text().filter(lambda status: status != "InService"), st.none() | st.text(min_size=1))
def test_no_other_status_passes_and_the_failure_reason_is_told(status: str, reason: str | None) -> None:
    facts = EndpointFacts(status, "config-2", reason)
    found = endpoint_in_service(facts, name="detector", config_name="config-2")
    assert found.verdict == "fail"
    assert status in found.message
    assert (reason or "") in found.message


def test_a_missing_endpoint_fails() -> None:
    found = endpoint_in_service(EndpointFacts(None), name="detector", config_name="config-2")
    assert (found.verdict, found.message) == ("fail", "there is no endpoint detector: apply first")


def test_the_release_s_image_passes_whatever_the_registry_s_name_in_front_of_its_digest() -> None:
    assert image_digest(ENDPOINT, MODEL, image=IMAGE).verdict == "pass"
    mirror = IMAGE.replace(ACCOUNT, "444455556666")
    assert image_digest(replace(ENDPOINT, resolved_images=(mirror,)), MODEL, image=IMAGE).verdict == "pass"


@pytest.mark.parametrize(
    ("endpoint", "model", "image"),
    [
        (ENDPOINT, MODEL, OTHER_IMAGE),
        (ENDPOINT, MODEL, None),
        (ENDPOINT, replace(MODEL, image=None), IMAGE),
        (ENDPOINT, replace(MODEL, image=f"{REPOSITORY}:1.0.0"), IMAGE),
        (replace(ENDPOINT, resolved_images=(OTHER_IMAGE,)), MODEL, IMAGE),
        (replace(ENDPOINT, resolved_images=(IMAGE, OTHER_IMAGE)), MODEL, IMAGE),
        (replace(ENDPOINT, resolved_images=("",)), MODEL, IMAGE),
        (replace(ENDPOINT, resolved_images=()), MODEL, IMAGE),
    ],
)
def test_any_other_image_fails(endpoint: EndpointFacts, model: ModelFacts, image: str | None) -> None:
    assert image_digest(endpoint, model, image=image).verdict == "fail"


def test_the_release_s_artifact_passes_and_any_other_fails() -> None:
    assert model_artifact(MODEL, uri=URI).verdict == "pass"
    assert model_artifact(replace(MODEL, source=None), uri=None).verdict == "pass"
    assert model_artifact(MODEL, uri=None).verdict == "fail"
    other = model_artifact(replace(MODEL, source="s3://artifacts/other"), uri=URI)
    assert (other.verdict, "s3://artifacts/other" in other.message, URI in other.message) == ("fail", True, True)


def test_the_profile_s_timeouts_pass_and_are_measured() -> None:
    found = timeouts(MODEL, endpoint=_profile())
    assert found.verdict == "pass"
    assert found.measured == dict.fromkeys(SERVER_TIMEOUT_VARIABLES, 900) | {
        "ContainerStartupHealthCheckTimeoutInSeconds": 600,
        "ModelDataDownloadTimeoutInSeconds": 700,
    }


@pytest.mark.parametrize("name", SERVER_TIMEOUT_VARIABLES)
@pytest.mark.parametrize("value", [None, "60", "15m", "", "٩٠٠"])
def test_each_wrong_variable_is_named_with_what_it_should_be(name: str, value: str | None) -> None:
    environment = {key: item for key, item in {**MODEL.environment, name: value}.items() if item is not None}
    found = timeouts(replace(MODEL, environment=environment), endpoint=_profile())
    shown = "60 s" if value == "60" else "not set"
    assert found.verdict == "fail"
    assert found.message == f"{name} is {shown}, the profile's timeouts.server is 900 s"


def test_every_wrong_timeout_is_named() -> None:
    found = timeouts(replace(MODEL, environment={}, startup=None, model_download=60), endpoint=_profile())
    assert len(found.message.split("; ")) == 5


@given(st.integers(1, 3600), st.integers(60, 3600), st.integers(60, 3600), st.booleans())
def test_equal_timeouts_pass_exactly_when_no_floor_forbids_them(
    server: int, startup: int, download: int, short: bool
) -> None:
    model = replace(
        MODEL,
        environment=dict.fromkeys(SERVER_TIMEOUT_VARIABLES, str(server)),
        startup=startup,
        model_download=download,
    )
    profile = _profile(server=server, startup=startup, download=download, short=short)
    high = server >= 300 and startup >= 600 and download >= 600
    assert (timeouts(model, endpoint=profile).verdict == "pass") == (high or short)


def _golden(case: str, verdict: Verdict, message: str = "x") -> GoldenResult:
    return GoldenResult(endpoint="detector", case=case, verdict=verdict, message=message, seconds=1)


def test_golden_requests_pass_together_and_each_failed_one_is_named() -> None:
    assert all_golden([_golden("one", "pass"), _golden("two", "pass")]).verdict == "pass"
    found = all_golden([_golden("one", "pass"), _golden("two", "fail", "$.rooms: wrong")])
    assert found.verdict == "fail"
    assert found.message == "1 of 2 golden requests got another answer:\ntwo: $.rooms: wrong"


def _heard(inference_id: str, status: str) -> dict[str, Notification]:
    return {inference_id: Notification(TOPIC, inference_id, status, {})}


def test_announcements_pass_when_all_came_with_the_right_status() -> None:
    assert announced(["a"], _heard("a", "Completed"), topic=TOPIC, status="Completed", seconds=60).verdict == "pass"
    wrong = announced(["a"], _heard("a", "Failed"), topic=TOPIC, status="Completed", seconds=60)
    assert (wrong.verdict, "a as Failed" in wrong.message) == ("fail", True)
    missing = announced(["a", "b"], _heard("a", "Completed"), topic=TOPIC, status="Completed", seconds=60)
    assert (missing.verdict, "about b within 60 s" in missing.message) == ("fail", True)


SCALING = ScalingFacts((0, 1), frozenset(SCALING_POLICIES))


def test_a_scalable_target_with_both_policies_and_the_profile_s_bounds_passes() -> None:
    found = scaling(SCALING, name="detector", endpoint=_profile())
    assert (found.verdict, found.message) == ("pass", "0 to 1 instances")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (ScalingFacts(None), "detector does not scale: it is no scalable target"),
        (replace(SCALING, policies=frozenset({"TargetTrackingScaling"})), "of type StepScaling, which leaves zero"),
        (replace(SCALING, policies=frozenset({"StepScaling"})), "TargetTrackingScaling, which follows the backlog"),
        (replace(SCALING, bounds=(0, 5)), "detector has 0 to 5 instances, the profile says 0 to 1"),
    ],
)
def test_an_endpoint_that_does_not_scale_as_declared_fails(facts: ScalingFacts, words: str) -> None:
    found = scaling(facts, name="detector", endpoint=_profile())
    assert found.verdict == "fail"
    assert words in found.message


def test_bounds_that_a_schedule_sets_are_its_own() -> None:
    profile = _profile()
    day = Schedule(schedule="cron(0 7 ? * MON-FRI *)", min=2, max=9)
    scheduled = profile.model_copy(
        update={"autoscaling": profile.autoscaling.model_copy(update={"schedules": {"day": day}})}
    )
    assert scaling(replace(SCALING, bounds=(2, 9)), name="detector", endpoint=scheduled).verdict == "pass"
