"""The SageMaker Python SDK, unchanged, in an environment of its own: it pins what glue must not be bound to."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from glue.localcloud.compute import venvs
from tests.localcloud.support import REGION, Account

HERE = Path(__file__).parent
LOCK = HERE / "sagemaker_sdk.lock"


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the SDK, kept in the user's cache folder."""
    try:
        return venvs.environment_for(LOCK, venvs.default_cache_dir()) / "bin" / "python"
    except venvs.InstallError as error:
        pytest.skip(f"the SageMaker Python SDK could not be installed: {error}")


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
        [str(python), str(HERE / "sagemaker_sdk.py"), "by-sdk", account.bucket],
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
