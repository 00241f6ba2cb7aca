"""verify-endpoint on a real endpoint: passing, and failing in each way that can be provoked."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glue.checks import exercise, keep, verify
from glue.evidence import Check, Evidence, load
from glue.profiles import Profile, load_profile
from glue.progress import Silent
from glue.releases import Release
from glue.s3_uris import split_s3_uri
from tests.localcloud.invocation.conftest import Deploy, Deployed, golden_folder, scalable
from tests.localcloud.support import REGION

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).resolve().parents[3]
IDS = [
    "account-region",
    "endpoint-in-service",
    "image-digest",
    "model-artifact",
    "timeouts",
    "scaling",
    "golden",
    "success-path",
    "failure-path",
]


@pytest.fixture
def _short_wait_for_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those that do not come."""
    monkeypatch.setattr(exercise, "NOTIFICATION_SECONDS", 5.0)


@pytest.fixture(autouse=True)
def _nothing_is_left(program: Deployed) -> Iterator[None]:
    """No queue and no subscription stays behind, however a verification ends."""
    before = _subscriptions(program)
    yield
    assert not program.cloud.client("sqs").list_queues(QueueNamePrefix="program-").get("QueueUrls")
    assert _subscriptions(program) == before


def _subscriptions(program: Deployed) -> set[str]:
    pages = program.cloud.client("sns").get_paginator("list_subscriptions").paginate()
    return {one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]}


def _profile(deployed: Deployed) -> Profile:
    return load_profile(ROOT / "envs", "dev").model_copy(
        update={"account_id": deployed.account.id, "region": REGION, "endpoints": {"program": deployed.subject.profile}}
    )


def _release(deployed: Deployed) -> Release:
    return Release(environment="dev", endpoints={"program": deployed.subject.release})


def _verify(deployed: Deployed, profile: Profile | None = None) -> Evidence:
    return verify(profile or _profile(deployed), _release(deployed), [deployed.subject], deployed.cloud, Silent())


def _verdicts(evidence: Evidence) -> dict[str, str]:
    return {check.id: check.verdict for check in evidence.checks}


def _check(evidence: Evidence, name: str) -> Check:
    return next(check for check in evidence.checks if check.id == name)


def test_an_endpoint_as_it_should_be_passes_every_check(program: Deployed) -> None:
    evidence = _verify(program)
    assert _verdicts(evidence) == dict.fromkeys(IDS, "pass")
    assert evidence.verdict == "pass"
    assert evidence.release == _release(program).digest
    assert [(one.case, one.verdict) for one in evidence.golden] == [("good", "pass"), ("refused", "pass")]
    assert evidence.tools.keys() >= {"glue", "python", "boto3"}
    bad = _check(evidence, "failure-path").measured
    assert bad["request"] == "golden request refused"
    assert "not an image" in str(bad["reason"])


def test_each_endpoint_has_its_own_verdicts_and_one_that_fails_fails_the_whole(program: Deployed) -> None:
    second = replace(_changed(program, config_name="planned-config").subject, key="second")
    chosen = [second, program.subject]
    evidence = verify(_profile(program), _release(program), chosen, program.cloud, Silent())
    verdicts = {(check.endpoint, check.id): check.verdict for check in evidence.checks}
    assert len(verdicts) == len(evidence.checks) == 2 * len(IDS) - 1
    assert verdicts[None, "account-region"] == "pass"
    assert [verdicts["program", name] for name in IDS[1:]] == ["pass"] * 8
    assert [verdicts["second", name] for name in IDS[1:]] == ["fail", *["skip"] * 7]
    assert evidence.verdict == "fail"
    assert {one.endpoint for one in evidence.golden} == {"program"}


def test_evidence_is_kept_beside_the_state_and_in_the_checkout(program: Deployed, tmp_path: Path) -> None:
    profile, cloud = _profile(program), replace(program.cloud, environments_dir=tmp_path)
    cloud.client("s3").create_bucket(Bucket=profile.state_bucket)
    evidence = _verify(program)
    kept = keep(profile, cloud, evidence)
    assert load(program.cloud, profile, evidence.release) == (evidence, kept.sha256)
    bucket, key = split_s3_uri(kept.uri)
    stored = program.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert stored == kept.file.read_bytes()
    assert kept.file == tmp_path / "dev" / "evidence.json"


def test_another_account_s_credentials_skip_everything_else(program: Deployed) -> None:
    profile = _profile(program).model_copy(update={"account_id": "444455556666"})
    evidence = _verify(program, profile)
    assert _verdicts(evidence) == dict.fromkeys(IDS, "skip") | {"account-region": "fail"}
    assert evidence.verdict == "fail"
    assert _check(evidence, "golden").message == "endpoint-in-service did not pass"


def _changed(program: Deployed, **changes: str) -> Deployed:
    endpoint = program.endpoint.model_copy(update=changes)
    return replace(program, subject=replace(program.subject, deployed=endpoint))


def test_an_endpoint_on_another_configuration_fails_and_is_sent_nothing(program: Deployed) -> None:
    evidence = _verify(_changed(program, config_name="planned-config"))
    assert _verdicts(evidence) == dict.fromkeys(IDS, "skip") | {"account-region": "pass", "endpoint-in-service": "fail"}
    message = _check(evidence, "endpoint-in-service").message
    assert f"runs configuration {program.endpoint.config_name}, Terraform planned planned-config" in message


def test_an_endpoint_that_does_not_exist_fails(program: Deployed) -> None:
    evidence = _verify(_changed(program, name="no-such-endpoint"))
    assert _check(evidence, "endpoint-in-service").message == "there is no endpoint no-such-endpoint: apply first"


def test_a_handler_that_cannot_load_fails_with_the_reason_that_aws_gives(deploy: Deploy) -> None:
    evidence = _verify(deploy({"STARTS": "crash"}))
    check = _check(evidence, "endpoint-in-service")
    assert check.verdict == "fail"
    assert "is Failed, not InService: " in check.message


def test_another_release_s_image_and_artifact_fail(program: Deployed) -> None:
    other = (program.subject.release.image or "").rpartition("@")[0] + f"@sha256:{'0' * 64}"
    release = program.subject.release.model_copy(update={"image": other})
    evidence = _verify(replace(program, subject=replace(program.subject, release=release)))
    assert {name for name, verdict in _verdicts(evidence).items() if verdict == "fail"} == {"image-digest"}
    assert other in _check(evidence, "image-digest").message


def test_deployed_timeouts_that_are_not_the_profile_s_are_named(deploy: Deploy) -> None:
    evidence = _verify(deploy({"MODEL_SERVER_TIMEOUT": "60"}))
    check = _check(evidence, "timeouts")
    assert (check.verdict, check.message) == (
        "fail",
        "MODEL_SERVER_TIMEOUT is 60 s, the profile's timeouts.server is 300 s",
    )


def test_an_endpoint_that_is_no_scalable_target_is_told(deploy: Deploy) -> None:
    made = deploy()
    made.account.client("application-autoscaling").deregister_scalable_target(**scalable(made.endpoint.name))
    check = _check(_verify(made), "scaling")
    assert check.verdict == "fail"
    assert f"{made.endpoint.name} does not scale: it is no scalable target" in check.message


def test_a_wrong_answer_fails_with_the_place_where_it_differs(program: Deployed) -> None:
    good, refused = program.subject.cases
    wrong = good.model_copy(update={"body": {"do": "echo", "rooms": [{"area": 500}]}})
    evidence = _verify(replace(program, subject=replace(program.subject, cases=[wrong, refused])))
    assert _verdicts(evidence) == dict.fromkeys(IDS, "pass") | {"golden": "fail", "success-path": "skip"}
    assert "good: another answer: $.rooms[0].area: expected 500 (± 2 or 0 of it), found 100" in (
        _check(evidence, "golden").message
    )


def test_a_handler_that_dies_at_a_golden_request_fails_with_its_reason(program: Deployed, tmp_path: Path) -> None:
    folder = golden_folder(tmp_path)
    good, refused = program.subject.cases
    (folder / "good" / "request.json").write_text('{"do": "die"}')
    dying = good.model_copy(update={"file": folder / "good" / "request.json"})
    evidence = _verify(replace(program, subject=replace(program.subject, cases=[dying, refused])))
    assert _check(evidence, "golden").verdict == "fail"
    assert "good: expected a success, failed: " in _check(evidence, "golden").message


@pytest.mark.usefixtures("_short_wait_for_notifications")
def test_a_configuration_without_an_error_topic_fails_the_failure_path(deploy: Deploy) -> None:
    mute = deploy(topics=("Success",))
    good, refused = mute.subject.cases
    expect = refused.expect.model_copy(update={"status": None})
    cases = [good, refused.model_copy(update={"expect": expect})]
    evidence = _verify(replace(mute, subject=replace(mute.subject, cases=cases)))
    assert _verdicts(evidence) == dict.fromkeys(IDS, "pass") | {"failure-path": "fail"}
    message = _check(evidence, "failure-path").message
    assert f"no notification on {mute.endpoint.error_topic_arn} about" in message
    assert "within 5 s" in message


@pytest.mark.usefixtures("_short_wait_for_notifications")
def test_a_configuration_without_a_success_topic_fails_the_success_path(deploy: Deploy) -> None:
    evidence = _verify(deploy(topics=("Error",)))
    assert _verdicts(evidence) == dict.fromkeys(IDS, "pass") | {"success-path": "fail"}


def test_a_workload_without_a_failing_case_is_sent_a_type_that_nothing_knows(program: Deployed) -> None:
    good = program.subject.cases[0]
    evidence = _verify(replace(program, subject=replace(program.subject, cases=[good])))
    check = _check(evidence, "failure-path")
    assert check.verdict == "fail", "the program takes anything"
    assert "(content type application/x-no-such-type) was answered as if it were a good one" in check.message


class _CtrlC(Silent):
    def __init__(self) -> None:
        self.queues: list[str] = []

    def progress(self, text: str, done: float, total: float | None) -> None:
        if text.startswith("answers"):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_removes_queue_and_subscriptions(program: Deployed) -> None:
    with pytest.raises(KeyboardInterrupt):
        verify(_profile(program), _release(program), [program.subject], program.cloud, _CtrlC())
