"""Several environments in one local cloud: deployed, killed, raced, promoted, destroyed."""

import json
import os
import shlex
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glue.localcloud import daemon
from glue.terraform.installation import platform_name
from tests.end_to_end.conftest import PATIENCE, Checkout, kill_group, make_checkout, processes_below, wait_for
from tests.end_to_end.workload import write_workload
from tests.localcloud.parity import judge_answers

ENDPOINT = "location-detector"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose dev, staging and prod are accounts of its local cloud; dev has a release."""
    root = tmp_path_factory.mktemp("team") / "checkout"
    made = make_checkout(root, GLUE_CLOUD="local")
    (root / "container").unlink()
    write_workload(root / "container")
    with (made.project.envs_dir / "dev.yaml").open("a") as profile:
        profile.write("abort_uploads_days: null\n")  # each lifecycle of a bucket takes the provider almost a minute
    made.glue("local", "up")
    made.release("dev")
    yield made
    daemon.down(made.project.local_cloud_dir)
    judge_answers(made.project.local_cloud_dir)


def apply_log(checkout: Checkout, environment: str) -> Path:
    """What Terraform said in the latest apply of the platform."""
    return checkout.project.local_cloud_dir / "environments" / environment / "platform" / "apply.jsonl"


def applying(checkout: Checkout, environment: str) -> bool:
    """Whether an apply of the platform has begun to create things."""
    log = apply_log(checkout, environment)
    return log.is_file() and "apply_start" in log.read_text()


def made(checkout: Checkout, environment: str, address: str) -> bool:
    """Whether the latest apply of the platform has created the resource `address`."""
    log = apply_log(checkout, environment)
    lines = log.read_text().splitlines() if log.is_file() else []
    return any('"apply_complete"' in line and f'"addr":"{address}"' in line for line in lines)


def terraforms(checkout: Checkout) -> list[int]:
    """The process ids of the Terraforms that run in `checkout`."""
    return [pid for pid, words in processes_below(checkout.root) if Path(words.split()[0]).name == "terraform"]


def another_checkout(of: Checkout, root: Path) -> Checkout:
    """A second checkout that reaches the same local cloud and has the same releases, and nothing else in common."""
    made = make_checkout(root, **of.variables)
    ours, theirs = made.project.local_cloud_dir, of.project.local_cloud_dir
    ours.mkdir(parents=True)
    for name in ("cloud.json", "cloud.lock", "releases"):
        (ours / name).symlink_to(theirs / name)
    return made


def test_an_apply_that_is_killed_is_recovered_by_running_it_again(team: Checkout) -> None:
    team.glue("plan", "--env", "dev")
    apply = team.start("apply", "--env", "dev")
    wait_for(lambda: applying(team, "dev"))
    kill_group(apply, signal.SIGKILL)
    team.glue("apply", "--env", "dev", "--yes")
    assert team.document("plan", "--env", "dev")["empty"]
    assert team.document("verify-endpoint", "--env", "dev")["verdict"] == "pass"
    for chain in team.document("image", "trace", "--env", "dev")["endpoints"].values():
        verdicts = {link["name"]: link["verdict"] for link in chain["links"]}
        assert (verdicts["registry"], verdicts["model"], verdicts["endpoint"]) == ("ok", "ok", "ok")
        assert chain["broken_at"] is None


def test_a_lock_that_a_killed_terraform_left_is_removed(team: Checkout) -> None:
    log = team.project.local_cloud_dir / "environments/dev/platform/plan.jsonl"
    log.unlink(missing_ok=True)  # the last run's
    plan = team.start("plan", "--env", "dev")
    wait_for(lambda: terraforms(team) and log.is_file() and "refresh_start" in log.read_text())
    for pid in terraforms(team):
        os.kill(pid, signal.SIGKILL)
    plan.communicate(timeout=PATIENCE)
    assert plan.returncode == 1
    again = team.glue("plan", "--env", "dev")
    assert "removing the state lock" in again.stderr
    assert "no change" in again.stdout


def without_alarms(profile: str) -> str:
    """A profile whose endpoint is another than that of `profile`: alarms that go replace it."""
    where = f"  {ENDPOINT}:\n"
    return profile.replace(where, f"{where}    deployment: {{rollback_alarms: false}}\n")


def test_an_endpoint_is_replaced_by_one_apply(team: Checkout) -> None:
    profile = team.project.envs_dir / "dev.yaml"
    with_alarms = profile.read_text()
    endpoint = f'module.endpoint["{ENDPOINT}"].aws_sagemaker_endpoint.this'
    profile.write_text(without_alarms(with_alarms))
    changes = team.document("plan", "--env", "dev")["changes"]
    assert {one["address"]: one["action"] for one in changes}[endpoint] == "replace"
    applied = team.glue("apply", "--env", "dev")  # the plan that was shown, and then what is left of it
    assert "waiting until SageMaker has deleted the former endpoint" in applied.stderr
    profile.write_text(with_alarms)
    assert "waiting until" in team.glue("apply", "--env", "dev", "--yes").stderr  # in one run of Terraform
    assert team.document("plan", "--env", "dev")["empty"]


def test_what_a_replacement_has_left_is_not_applied_with_another_release(team: Checkout) -> None:
    profile, release = team.project.envs_dir / "dev.yaml", team.project.local_cloud_dir / "releases/dev.release.json"
    with_alarms, shown = profile.read_text(), release.read_text()
    profile.write_text(without_alarms(with_alarms))
    team.glue("plan", "--env", "dev")
    apply = team.start("apply", "--env", "dev")
    assert apply.stderr is not None
    assert any("applying the platform layer" in line for line in apply.stderr)  # what was shown has been looked at
    pushed = json.loads(shown)
    pushed["endpoints"][ENDPOINT]["needs_network"] ^= True
    release.write_text(json.dumps(pushed))
    _, told = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 1, told
    assert "changed since the plan was shown" in told
    profile.write_text(with_alarms)
    release.write_text(shown)
    team.glue("apply", "--env", "dev", "--yes")
    assert team.document("plan", "--env", "dev")["empty"]


def test_a_release_is_promoted_to_staging_only_with_its_evidence(team: Checkout) -> None:
    write_workload(team.root / "container", greeting="good day", version="1.1.0")
    team.glue("image", "push", "--env", "dev")
    team.glue("artifact", "push", "--env", "dev")
    refused = team.glue("promote", "--from", "dev", "--to", "staging", exit_code=1)
    assert "no evidence" in refused.stderr
    assert not (team.project.local_cloud_dir / "releases/staging.release.json").exists()
    changes = team.document("plan", "--env", "dev")["changes"]
    assert [one["action"] for one in changes if one["address"].endswith("aws_sagemaker_endpoint.this")] == ["update"]
    team.glue("apply", "--env", "dev")
    evidence = team.document("verify-endpoint", "--env", "dev")
    assert evidence["verdict"] == "pass"
    team.glue("promote", "--from", "dev", "--to", "staging")
    dev, staging = (
        json.loads((team.project.local_cloud_dir / f"releases/{name}.release.json").read_text())
        for name in ("dev", "staging")
    )
    for key, entry in staging["endpoints"].items():
        assert entry.pop("origin") == {
            "kind": "promoted",
            "environment": "dev",
            "evidence": evidence["evidence"]["sha256"],
        }
        dev["endpoints"][key].pop("origin")
    assert staging["endpoints"] == dev["endpoints"]


def test_staging_runs_what_dev_has_proved_and_a_second_apply_meanwhile_is_refused(
    team: Checkout, tmp_path: Path
) -> None:
    apply = team.start("apply", "--env", "staging", "--yes")
    wait_for(lambda: applying(team, "staging"))
    other = another_checkout(team, tmp_path / "other")
    refused = other.glue("apply", "--env", "staging", "--yes", exit_code=1)
    assert "the state is locked by" in refused.stderr
    assert "OperationTypeApply" in refused.stderr
    said = apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 0, said
    assert other.document("plan", "--env", "staging")["empty"]
    assert team.document("verify-endpoint", "--env", "staging")["verdict"] == "pass"
    dev, staging = (team.document("output", "--env", name)["endpoints"][ENDPOINT] for name in ("dev", "staging"))
    assert staging["image"] == dev["image"]
    assert staging["arn"] != dev["arn"]


def test_two_environments_do_not_touch_each_other_when_one_is_destroyed(team: Checkout) -> None:
    team.glue("destroy", "--env", "dev", "--yes")
    assert team.document("output", "--env", "dev") == {}
    assert team.document("verify-endpoint", "--env", "staging")["verdict"] == "pass"


def test_what_a_killed_terraform_had_made_is_named_and_adopted(team: Checkout) -> None:
    apply_log(team, "dev").unlink(missing_ok=True)  # the last run's
    apply = team.start("apply", "--env", "dev", "--yes")
    wait_for(lambda: made(team, "dev", "module.data.aws_s3_bucket.this"))
    for pid in terraforms(team):
        os.kill(pid, signal.SIGKILL)
    apply.communicate(timeout=PATIENCE)
    assert apply.returncode == 1
    adopted: list[str] = []
    for _ in range(5):  # what could not be made hides what comes after it
        again = team.start("apply", "--env", "dev", "--yes", "--json")
        answer = json.loads(again.communicate(timeout=PATIENCE)[0])
        if again.returncode == 0:
            break
        commands = [shlex.split(hint) for hint in answer["error"]["hints"] if hint.startswith("glue import ")]
        assert commands, answer
        for _, *words in commands:
            team.glue(*words)
            adopted.append(words[-2])
    assert "module.data.aws_s3_bucket.this" in adopted
    assert team.document("plan", "--env", "dev")["empty"]
    assert team.document("verify-endpoint", "--env", "dev")["verdict"] == "pass"
    refused = team.glue("import", "--env", "dev", "module.data.aws_s3_bucket.that", "none", exit_code=1)
    assert "none was not imported as module.data.aws_s3_bucket.that" in refused.stderr


def test_what_is_protected_goes_only_when_it_is_named(team: Checkout) -> None:
    """The endpoint gets another key: that is another endpoint."""
    profile = team.project.envs_dir / "dev.yaml"
    text = profile.read_text().replace("force_destroy: true", "deletion_protection: true")
    profile.write_text(text.replace(f"{ENDPOINT}:", "rooms:"))
    release = team.project.local_cloud_dir / "releases/dev.release.json"
    document = json.loads(release.read_text())
    document["endpoints"] = {"rooms": document["endpoints"].pop(ENDPOINT)}
    release.write_text(json.dumps(document))
    endpoint = f'module.endpoint["{ENDPOINT}"].aws_sagemaker_endpoint.this'
    planned = team.document("plan", "--env", "dev", exit_code=1)
    assert {one["address"]: one["reason"] for one in planned["stopped"]} == {endpoint: "delete_because_no_module"}
    # The plan is kept, and applying it is stopped too.
    refused = team.glue("apply", "--env", "dev", "--allow-destroy", "nothing", exit_code=1)
    assert f"destroy endpoint {endpoint}  (delete because no module)" in refused.stderr
    assert set(team.document("output", "--env", "dev")["endpoints"]) == {ENDPOINT}
    done = team.glue("apply", "--env", "dev", "--allow-destroy", endpoint, "--allow-destroy", "nothing")
    assert "--allow-destroy nothing: the plan destroys nothing protected of that address" in done.stderr
    assert set(team.document("output", "--env", "dev")["endpoints"]) == {"rooms"}
    assert team.document("verify-endpoint", "--env", "dev")["verdict"] == "pass"


def test_an_environment_that_is_protected_is_not_destroyed(team: Checkout) -> None:
    refused = team.document("destroy", "--env", "dev", "--yes", exit_code=1)["error"]
    assert {one["kind"] for one in refused["stopped"]} == {"bucket", "endpoint"}
    assert team.document("plan", "--env", "dev")["empty"]


def test_a_mirror_with_another_build_of_the_provider_is_named(team: Checkout, tmp_path: Path) -> None:
    package = tmp_path / "mirror/registry.terraform.io/hashicorp/aws/5.100.0" / platform_name()
    package.mkdir(parents=True)
    (package / "terraform-provider-aws_v5.100.0_x5").write_text("another program")
    elsewhere = replace(team, mirror=package.parents[4])
    # An environment whose layer was not initialised yet: one that was needs no mirror any more.
    refused = elsewhere.glue("apply", "--env", "prod", "--layer", "registry", "--yes", exit_code=3)
    assert f"{package} is another build of registry.terraform.io/hashicorp/aws 5.100.0" in refused.stderr
    assert "→ name a mirror with the locked build: TF_PLUGIN_MIRROR=…" in refused.stderr


def test_nothing_of_a_trial_is_written_beside_the_profiles(team: Checkout) -> None:
    assert list(team.project.envs_dir.glob("*.release.json")) == []
