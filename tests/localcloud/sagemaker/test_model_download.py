"""The download of a model from the S3 of a running local cloud, against a clock that goes on with every look at it.

And in a cloud whose clock is fast, so that a download takes too long there.
"""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute import model_data
from glue.localcloud.sagemaker.errors import DeploymentError
from tests.localcloud.parity import local_cloud
from tests.localcloud.support import REGION, Account, eventually, tar

SIZE = 32 * 1024 * 1024


@pytest.mark.parametrize("kind", ["archive", "prefix"])
def test_a_single_file_that_takes_too_long_is_cut_off_with_its_reason(
    account: Account, tmp_path: Path, kind: str
) -> None:
    content = os.urandom(1024 * 1024) * (SIZE // 1024 // 1024)
    if kind == "archive":
        url = account.put("slow/model.tar.gz", tar({"weights.bin": content}))
        container: dict[str, Any] = {"ModelDataUrl": url}
    else:
        account.put("slow/model/weights.bin", content)
        url = f"s3://{account.bucket}/slow/model/"
        source = {"S3Uri": url, "S3DataType": "S3Prefix", "CompressionType": "None"}
        container = {"ModelDataSource": {"S3DataSource": source}}
    clock = Clock(monotonic=itertools.count().__next__)
    with pytest.raises(DeploymentError) as error:
        model_data.fetch(
            Clients(account.url),
            Scope(account.id, REGION),
            "AllTraffic",
            container,
            folder=tmp_path / "model",
            limit=clock.deadline(20),
        )
    assert error.value.reason.startswith('Failed to download model data for container "container_1" of variant "All')
    assert f'from URL: "{url}"' in error.value.reason
    assert error.value.reason.endswith("(the download took too long)")
    assert (tmp_path / "model" / "weights.bin").stat().st_size < SIZE


def test_an_update_whose_download_takes_too_long_is_rolled_back_and_leaves_nothing(
    tmp_path: Path, cache_dir: Path
) -> None:
    state = tmp_path / "cloud"
    with local_cloud(state, speed=600, exit_with=os.getpid(), cache_dir=cache_dir) as status:
        account = Account(status.endpoint_url or "", "111122223333", tmp_path)
        account.deploy("serving", startup=3600)
        image = account.push_program()
        account.put("large/model/weights.bin", os.urandom(1024 * 1024) * 256)
        url = f"s3://{account.bucket}/large/model/"
        source = {"S3Uri": url, "S3DataType": "S3Prefix", "CompressionType": "None"}
        account.create_model("slow", image, ModelDataSource={"S3DataSource": source})
        account.create_config("slow", "slow", startup=3600, download=60)  # a tenth of a second of this machine
        account.client("sagemaker").update_endpoint(EndpointName="serving", EndpointConfigName="slow")
        found = account.settled("serving")
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "serving")
        assert found["FailureReason"].endswith("(the download took too long)")
        answer = account.invoke("serving", {"do": "echo"}, InvocationTimeoutSeconds=3600)
        assert account.outcome(answer)[0] == "Completed"
        left = state / "instances"
        eventually(
            lambda: (len(list(left.glob("i-*"))), len(list(left.glob("models-*")))) == (1, 1), what="one of each"
        )
