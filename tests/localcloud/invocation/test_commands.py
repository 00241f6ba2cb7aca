"""`glue invoke` and `glue verify-endpoint` as a user runs them, against a deployed endpoint.

Terraform has its own tests: here its outputs are given.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import glue.cloud
import glue.terraform.endpoints
from glue.cli import main
from glue.project import Project
from glue.releases import Release, write_release
from tests.localcloud.invocation.conftest import Deployed, golden_folder

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def workload(project: Project, tmp_path: Path) -> Path:
    """The program as a workload of the project."""
    folder = tmp_path / "workloads" / "program"
    (folder / "golden").mkdir(parents=True)
    golden_folder(folder / "golden")
    (folder / "inference.py").write_text("")
    (folder / "requirements.lock").write_text("# nothing\n")
    manifest = {
        "name": "program",
        "version": "1.0.0",
        "description": "the test program",
        "artifact": {"code/inference.py": "inference.py"},
    }
    (folder / "workload.yaml").write_text(yaml.safe_dump(manifest))
    (project.root / "container").unlink()
    (project.root / "container").mkdir()
    (project.root / "container" / "workloads").symlink_to(folder.parent)
    return folder


@pytest.fixture
def command(
    project: Project,
    program: Deployed,
    workload: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs `glue` in a project whose environment `dev` is the deployed endpoint; exit code, output, errors."""
    monkeypatch.setattr(glue.cloud, "cloud_of", lambda *_: _in(project))
    monkeypatch.setattr(glue.terraform.endpoints, "read_deployed", lambda *_: {"program": program.endpoint})
    profile = yaml.safe_load((project.envs_dir / "dev.yaml").read_text())
    settings = program.subject.profile.model_dump(mode="json") | {"model": {"source": "bundled"}}
    dev = profile | {"account_id": program.account.id, "consumer_account_ids": [], "endpoints": {"program": settings}}
    (project.envs_dir / "dev.yaml").write_text(yaml.safe_dump(dev))
    write_release(project.envs_dir, Release(environment="dev", endpoints={"program": program.subject.release}))

    def _in(project: Project) -> glue.cloud.Cloud:
        cloud = program.cloud
        return glue.cloud.Cloud(
            cloud.name, cloud.region, cloud.account_id, endpoint_url=cloud.endpoint_url, releases_dir=project.envs_dir
        )

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["glue", *arguments])
        try:
            main()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, errors = capsys.readouterr()
        return code, out, errors

    return run


Command = Callable[..., tuple[int, str, str]]
Order = Callable[..., Path]


def test_invoke_waits_and_writes_each_answer(command: Command, order: Order, tmp_path: Path) -> None:
    files = [order("a.json", do="echo", x=1), order("b.json", do="echo", x=2)]
    out = tmp_path / "out"
    code, text, _ = command("invoke", *map(str, files), "--env", "dev", "--wait", "--out", str(out), "--json")
    document = json.loads(text)
    assert code == 0
    for result, file in zip(document["results"], files, strict=True):
        assert (result["file"], result["status"]) == (str(file), "completed")
        assert Path(result["body"]) == out / f"{file.stem}.{result['inference_id']}.json"
        assert json.loads(Path(result["body"]).read_bytes()) == json.loads(file.read_bytes())


def test_invoke_says_why_a_request_failed_and_exits_with_1(command: Command, order: Order, tmp_path: Path) -> None:
    bad = order("bad.json", do="refuse", status=400, message="the plan has no walls")
    code, text, _ = command("invoke", str(bad), "--env", "dev", "--wait", "--out", str(tmp_path / "out"))
    assert code == 1
    assert "failed" in text
    assert "the plan has no walls" in text.replace("\n", " ")


def test_invoke_without_waiting_says_where_the_result_will_be(command: Command, order: Order) -> None:
    code, text, _ = command("invoke", str(order("a.json", do="size")), "--env", "dev", "--json")
    (result,) = json.loads(text)["results"]
    assert code == 0
    assert result["status"] == "under way"
    assert result["output_location"].startswith("s3://")


def test_invoke_refuses_an_endpoint_that_is_not_there(command: Command, order: Order) -> None:
    code, _, errors = command("invoke", str(order("a.json", do="size")), "--env", "dev", "--endpoint", "other")
    assert code == 2
    assert "--endpoint other: no such endpoint: allowed is one of program" in errors


@pytest.fixture
def state_bucket(program: Deployed, project: Project, command: Command) -> None:
    from glue.profiles import load_profile

    profile = load_profile(project.envs_dir, "dev")
    program.cloud.client("s3").create_bucket(Bucket=profile.state_bucket)


@pytest.mark.usefixtures("state_bucket")
def test_verify_endpoint_passes_and_leaves_evidence(command: Command, project: Project) -> None:
    code, text, errors = command("verify-endpoint", "--env", "dev", "--json")
    document = json.loads(text)
    assert (code, document["verdict"]) == (0, "pass"), errors
    assert [check["id"] for check in document["checks"]][:2] == ["account-region", "endpoint-in-service"]
    assert Path(document["evidence"]["file"]).is_file()
    assert "→ program: golden" in errors


@pytest.mark.usefixtures("state_bucket")
def test_verify_endpoint_fails_with_a_table_and_exit_code_1(command: Command, workload: Path) -> None:
    (workload / "golden" / "good" / "expected.json").write_text('{"do": "else"}')
    code, text, _ = command("verify-endpoint", "--env", "dev")
    assert code == 1
    assert "$.do: expected" in " ".join(text.split())
    assert "verdict  fail" in text
    assert "sha256   " in text


@pytest.mark.usefixtures("state_bucket")
def test_one_endpoint_of_several_leaves_no_evidence(command: Command, project: Project, program: Deployed) -> None:
    settings = yaml.safe_load((project.envs_dir / "dev.yaml").read_text())
    settings["endpoints"]["other"] = settings["endpoints"]["program"]
    (project.envs_dir / "dev.yaml").write_text(yaml.safe_dump(settings))
    entries = dict.fromkeys(("other", "program"), program.subject.release)
    write_release(project.envs_dir, Release(environment="dev", endpoints=entries))
    code, text, _ = command("verify-endpoint", "--env", "dev", "--endpoint", "program")
    assert code == 0
    assert "no evidence was stored" in text
    assert not list(project.root.rglob("evidence.json"))
    code, _, errors = command("verify-endpoint", "--env", "dev")
    assert code == 1
    assert "endpoint other of the profile is not deployed" in errors
