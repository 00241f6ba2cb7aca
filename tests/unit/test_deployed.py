"""Terraform's outputs as data to rely on, and the choice of an endpoint."""

from typing import Any

import pytest

from glue.deployed import choose_endpoint, deployed_endpoints
from glue.errors import FailedError, UsageError

OUTPUT: dict[str, Any] = {
    "name": "demo-dev-detector",
    "arn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/demo-dev-detector",
    "config_name": "config-1",
    "variant_name": "AllTraffic",
    "data_bucket": "data",
    "input_prefix": "detector/inputs/",
    "success_topic_arn": "arn:aws:sns:us-east-1:000000000000:success",
    "error_topic_arn": "arn:aws:sns:us-east-1:000000000000:error",
    "timeouts": {"server": 900, "startup": 600, "model_download": 600, "invocation": 300},
    "role_arn": "not read here",
}


def test_outputs_are_read_by_key() -> None:
    found = deployed_endpoints({"data_bucket": "data", "endpoints": {"detector": OUTPUT}}, "dev")
    assert found["detector"].timeouts.invocation == 300


@pytest.mark.parametrize("outputs", [{}, {"endpoints": {}}, {"endpoints": None}])
def test_nothing_deployed_is_said(outputs: dict[str, Any]) -> None:
    with pytest.raises(FailedError, match="nothing is deployed") as caught:
        deployed_endpoints(outputs, "dev")
    assert caught.value.hints == ("glue apply --env dev",)


def test_a_missing_output_is_named() -> None:
    broken = {name: value for name, value in OUTPUT.items() if name != "error_topic_arn"}
    with pytest.raises(FailedError, match=r"endpoints\.detector\.error_topic_arn: missing"):
        deployed_endpoints({"endpoints": {"detector": broken}}, "dev")


def test_the_only_endpoint_is_chosen_and_one_of_several_must_be_named() -> None:
    one = deployed_endpoints({"endpoints": {"a": OUTPUT}}, "dev")
    two = deployed_endpoints({"endpoints": {"a": OUTPUT, "b": OUTPUT}}, "dev")
    assert choose_endpoint(one, None) == "a"
    assert choose_endpoint(two, "b") == "b"
    with pytest.raises(UsageError, match="allowed is one of a, b"):
        choose_endpoint(two, None)
    with pytest.raises(UsageError, match="--endpoint c: no such endpoint: allowed is one of a, b"):
        choose_endpoint(two, "c")
