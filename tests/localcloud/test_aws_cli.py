"""The AWS CLI, unchanged, with only an endpoint URL; in an environment of its own, whatever this machine has."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.support import REGION, Account, environment_of


@pytest.fixture(scope="module")
def program() -> Path:
    return environment_of("aws_cli") / "bin" / "aws"


class Cli:
    """The AWS CLI as somebody with an account uses it."""

    def __init__(self, program: Path, account: Account, home: Path) -> None:
        self._command = [str(program), "--endpoint-url", account.url, "--region", REGION, "--output", "json"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": account.id,
            "AWS_SECRET_ACCESS_KEY": "any",
        }

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def __call__(self, *arguments: str) -> Any:
        """What it prints, read when that is a document."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout


@pytest.fixture
def aws(program: Path, account: Account, tmp_path: Path) -> Cli:
    return Cli(program, account, tmp_path)


@pytest.mark.timeout(600)
def test_a_request_goes_through_with_the_aws_cli(aws: Cli, account: Account, tmp_path: Path) -> None:
    account.deploy("by-cli")
    aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "by-cli")
    assert aws("sagemaker", "describe-endpoint", "--endpoint-name", "by-cli")["EndpointStatus"] == "InService"
    (tmp_path / "order.json").write_text('{"do": "echo"}')
    where = f"s3://{account.bucket}/cli/order.json"
    aws("s3", "cp", str(tmp_path / "order.json"), where)
    invoke = ("sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", "by-cli")
    answer = aws(*invoke, "--input-location", where, "--inference-id", "from-the-cli")
    assert answer["InferenceId"] == "from-the-cli"
    assert account.outcome(answer)[0] == "Completed"
    aws("s3", "cp", answer["OutputLocation"], str(tmp_path / "answer.json"))
    assert (tmp_path / "answer.json").read_text() == '{"do": "echo"}'
    account.delete("by-cli")
    aws("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", "by-cli")


def test_the_waiter_of_the_aws_cli_sees_an_endpoint_that_failed(aws: Cli, account: Account) -> None:
    account.deploy("by-cli-failed", environment={"STARTS": "exit"})
    done = aws.run("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "by-cli-failed")
    assert done.returncode == 255
    assert "Waiter encountered a terminal failure state" in done.stderr
    account.delete("by-cli-failed")
