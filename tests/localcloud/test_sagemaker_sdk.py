"""The SageMaker Python SDK, unchanged, in an environment of its own: it pins what glue must not be bound to."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.localcloud.support import REGION, Account, environment_of

PROGRAM = Path(__file__).with_name("sagemaker_sdk.py")


@pytest.fixture(scope="module")
def python() -> Path:
    return environment_of("sagemaker_sdk") / "bin" / "python"


@pytest.mark.timeout(600)
def test_the_asynchronous_predictor_gets_results_and_failures(account: Account, python: Path, tmp_path: Path) -> None:
    account.deploy("by-sdk")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": account.url,
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }
    done = subprocess.run(
        [str(python), str(PROGRAM), "by-sdk", account.bucket],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["predict"] == {"do": "echo", "number": 1}
    assert told["result"] == told["again"] == {"do": "echo", "number": 2}
    assert "not a drawing" in told["failure"]
    assert told["early"] == "no object yet"
    assert account.read(f"s3://{account.bucket}/sdk/input.json") == b'{"do": "echo", "number": 2}'
    account.delete("by-sdk")
