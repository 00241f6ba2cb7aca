"""The AWS CLI, unchanged, with only an endpoint URL."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.support import Account

pytestmark = pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not on PATH")


def aws(account: Account, *arguments: str) -> Any:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["aws", *arguments, "--endpoint-url", account.url, "--region", "us-east-1", "--output", "json"],
        env={**kept, "AWS_ACCESS_KEY_ID": account.id, "AWS_SECRET_ACCESS_KEY": "any", "AWS_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout


def test_a_request_goes_through_with_the_aws_cli(account: Account, tmp_path: Path) -> None:
    account.deploy("by-cli")
    (tmp_path / "order.json").write_text('{"do": "echo"}')
    aws(account, "s3", "cp", str(tmp_path / "order.json"), f"s3://{account.bucket}/cli/order.json")
    answer = aws(
        account,
        *("sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", "by-cli"),
        *("--input-location", f"s3://{account.bucket}/cli/order.json"),
    )
    account.outcome(answer)
    aws(account, "s3", "cp", answer["OutputLocation"], str(tmp_path / "answer.json"))
    assert (tmp_path / "answer.json").read_text() == '{"do": "echo"}'
    described = aws(account, "sagemaker", "describe-endpoint", "--endpoint-name", "by-cli")
    assert described["EndpointStatus"] == "InService"
    account.delete("by-cli")
