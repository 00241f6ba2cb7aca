from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.shapes import MalformedInputError, _compiled, output_violations, validation_message

SESSION = get_session()
NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


def message(service: str, operation: str, **params: Any) -> str | None:
    return validation_message(SESSION.get_service_model(service).operation_model(operation).input_shape, params)


def test_sound_parameters_have_no_message() -> None:
    assert message("sagemaker", "DescribeEndpoint", EndpointName="an-endpoint") is None


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "Value null at 'endpointName' failed to satisfy constraint: Member must not be null"),
        (
            {"EndpointName": "a_b"},
            (
                "Value 'a_b' at 'endpointName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME}"
            ),
        ),
    ],
)
def test_a_broken_constraint_is_named_as_aws_names_it(params: dict[str, Any], expected: str) -> None:
    assert message("sagemaker", "DescribeEndpoint", **params) == f"1 validation error detected: {expected}"


def test_every_broken_constraint_is_named_with_its_place() -> None:
    found = message(
        "sagemaker",
        "CreateEndpointConfig",
        EndpointConfigName="config",
        ProductionVariants=[
            {"VariantName": "v", "InitialInstanceCount": 0, "InstanceType": "ml.abacus.large"},
            {"ContainerStartupHealthCheckTimeoutInSeconds": 3601},
        ],
    )
    assert found is not None
    assert found.startswith("4 validation errors detected: ")
    assert "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed" in found
    assert (
        "at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum" in found
    )
    assert "Value null at 'productionVariants.2.member.variantName' failed" in found
    assert "Member must have value less than or equal to 3600" in found


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=70))
def test_an_inference_id_is_1_to_64_characters_printable_but_for_a_first_that_is_only_no_space(text: str) -> None:
    found = message("sagemaker-runtime", "InvokeEndpointAsync", EndpointName="e", InferenceId=text)
    sound = len(text) <= 64 and text[0] not in " \t\n\v\f\r" and (len(text) == 1 or text[1:].isprintable())
    assert (found is None) == sound


@pytest.mark.parametrize(
    "params", [{"EndpointName": 5}, {"EndpointName": ["x"]}, {"EndpointName": {"a": 1}}, {"EndpointName": True}]
)
def test_a_value_of_another_type_is_malformed(params: dict[str, Any]) -> None:
    with pytest.raises(MalformedInputError, match="endpointName: expected string"):
        message("sagemaker", "DescribeEndpoint", **params)


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        ({"EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e"}, []),
        ({}, ["Value null at 'endpointArn' failed to satisfy constraint: Member must not be null"]),
        ({"EndpointArn": 5}, ["endpointArn: expected string, found int"]),
        (
            {"EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e", "Status": "x"},
            ["unknown member Status"],
        ),
    ],
)
def test_an_answer_that_breaks_the_model_is_found(document: dict[str, Any], broken: list[str]) -> None:
    shape = SESSION.get_service_model("sagemaker").operation_model("CreateEndpoint").output_shape
    assert output_violations(shape, document) == broken


def test_an_answer_of_an_operation_without_output_is_empty() -> None:
    assert output_violations(None, {}) == []
    assert output_violations(None, {"A": 1}) == ["unknown member A"]


def test_members_within_members_are_looked_at() -> None:
    shape = SESSION.get_service_model("sagemaker").operation_model("ListEndpoints").output_shape
    found = output_violations(shape, {"Endpoints": [{"Name": "x"}]})
    assert "unknown member Endpoints.Name" in found
    assert any("endpointStatus" in line for line in found)


@pytest.mark.parametrize("service", ["sagemaker", "sagemaker-runtime", "ecr", "application-autoscaling"])
def test_every_pattern_of_the_models_is_understood(service: str) -> None:
    model = SESSION.get_service_model(service)
    for name in model.shape_names:
        shape = model.shape_for(name)
        if shape.type_name == "string" and "pattern" in shape.metadata:
            _compiled(shape.metadata["pattern"])
