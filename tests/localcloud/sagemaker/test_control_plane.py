from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import REGION, Account

IMAGE = f"111122223333.dkr.ecr.{REGION}.amazonaws.com/some/image:1.0"


def refusal(action: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        action(**params)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    message: str = error.value.response["Error"]["Message"]
    return message


def arn(account: Account, resource: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{account.id}:{resource}"


def test_a_model_is_described_as_it_was_created(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "b"}}
    sagemaker.create_model(
        ModelName="described",
        PrimaryContainer=container,
        ExecutionRoleArn=account.role,
        Tags=[{"Key": "k", "Value": "v"}],
    )
    found = sagemaker.describe_model(ModelName="described")
    assert found["PrimaryContainer"] == {**container, "Mode": "SingleModel"}
    assert found["EnableNetworkIsolation"] is False
    assert "VpcConfig" not in found
    assert "Tags" not in found
    sagemaker.delete_model(ModelName="described")
    gone = f'Could not find model "{arn(account, "model/described")}".'
    assert refusal(sagemaker.describe_model, ModelName="described") == gone
    assert refusal(sagemaker.delete_model, ModelName="described") == gone


def test_an_endpoint_config_is_described_as_it_was_created(account: Account) -> None:
    account.create_model("for-config", IMAGE)
    account.create_config("plain-config", "for-config")
    found = account.client("sagemaker").describe_endpoint_config(EndpointConfigName="plain-config")
    [variant] = found["ProductionVariants"]
    assert variant["InitialVariantWeight"] == 1.0
    assert "VolumeSizeInGB" not in variant
    assert "DataCaptureConfig" not in found
    account.client("sagemaker").delete_endpoint_config(EndpointConfigName="plain-config")
    assert (
        refusal(account.client("sagemaker").describe_endpoint_config, EndpointConfigName="plain-config")
        == f'Could not find endpoint configuration "{arn(account, "endpoint-config/plain-config")}".'
    )


def test_names_are_unique(account: Account) -> None:
    account.create_model("unique", IMAGE)
    again = refusal(account.create_model, name="unique", image=IMAGE)
    assert again == f'Cannot create already existing model "{arn(account, "model/unique")}".'
    account.create_config("unique", "unique")
    again = refusal(account.create_config, name="unique", model="unique")
    assert again == f'Cannot create already existing endpoint configuration "{arn(account, "endpoint-config/unique")}".'


def test_each_answer_has_a_request_id(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    with pytest.raises(ClientError) as refused:
        sagemaker.describe_model(ModelName="unnamed")
    answers = (sagemaker.list_models(), refused.value.response)
    assert len({answer["ResponseMetadata"]["RequestId"] for answer in answers}) == 2


def test_a_config_names_existing_models_only(account: Account) -> None:
    message = refusal(account.create_config, name="of-nothing", model="nothing")
    assert message == f'Could not find model "{arn(account, "model/nothing")}".'


def test_an_endpoint_names_an_existing_config_only(account: Account) -> None:
    message = refusal(account.create_endpoint, name="of-nothing", config="nothing")
    assert message == f'Could not find endpoint configuration "{arn(account, "endpoint-config/nothing")}".'


def test_an_image_outside_of_ecr_is_refused(account: Account) -> None:
    message = refusal(account.create_model, name="hub", image="python:3.11")
    assert message == 'Using non-ECR image "python:3.11" without Vpc repository access mode is not supported.'


def test_a_model_without_a_container_is_refused(account: Account) -> None:
    assert refusal(account.client("sagemaker").create_model, ModelName="empty", ExecutionRoleArn=account.role)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("describe_endpoint", {"EndpointName": "none"}),
        ("delete_endpoint", {"EndpointName": "none"}),
        ("update_endpoint", {"EndpointName": "none", "EndpointConfigName": "none"}),
        (
            "update_endpoint_weights_and_capacities",
            {"EndpointName": "none", "DesiredWeightsAndCapacities": [{"VariantName": "v"}]},
        ),
    ],
)
def test_an_endpoint_that_is_not_there_is_named(account: Account, operation: str, params: dict[str, Any]) -> None:
    message = refusal(getattr(account.client("sagemaker"), operation), **params)
    assert message == f'Could not find endpoint "{arn(account, "endpoint/none")}".'


def test_parameters_that_break_the_service_model_are_refused(account: Account) -> None:
    message = refusal(account.client("sagemaker").describe_endpoint, EndpointName="under_score")
    assert "Value 'under_score' at 'endpointName' failed to satisfy constraint" in message


def test_tags_are_added_listed_and_removed(account: Account) -> None:
    account.create_model("tagged", IMAGE)
    where = {"ResourceArn": arn(account, "model/tagged")}
    sagemaker = account.client("sagemaker")
    assert sagemaker.list_tags(**where)["Tags"] == []
    sagemaker.add_tags(**where, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sagemaker.add_tags(**where, Tags=[{"Key": "a", "Value": "3"}])
    sagemaker.delete_tags(**where, TagKeys=["b", "unknown"])
    assert sagemaker.list_tags(**where)["Tags"] == [{"Key": "a", "Value": "3"}]
    assert refusal(sagemaker.list_tags, ResourceArn=arn(account, "model/none"))


def test_tags_of_other_resources_of_sagemaker_stay_motos(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    name = sagemaker.create_experiment(ExperimentName="trial")["ExperimentArn"]
    sagemaker.add_tags(ResourceArn=name, Tags=[{"Key": "a", "Value": "b"}])
    assert sagemaker.list_tags(ResourceArn=name)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_lists_are_paged_filtered_and_sorted(other_account: Account) -> None:
    sagemaker = other_account.client("sagemaker")
    names = [f"listed-{number:02}" for number in range(23)]
    for name in names:
        other_account.create_model(name, IMAGE)
    other_account.create_model("different", IMAGE)
    pages = sagemaker.get_paginator("list_models").paginate(NameContains="LISTED", SortBy="Name", SortOrder="Ascending")
    found = [[model["ModelName"] for model in page["Models"]] for page in pages]
    assert [len(page) for page in found] == [10, 10, 3]
    assert [name for page in found for name in page] == names
    newest = sagemaker.list_models(MaxResults=1)
    assert newest["Models"][0]["ModelName"] == "different"
    before = sagemaker.list_models(CreationTimeBefore=newest["Models"][0]["CreationTime"], MaxResults=100)["Models"]
    assert len(before) == 23
    assert refusal(sagemaker.list_models, NextToken="made up")


def test_what_neither_we_nor_moto_have_is_said_to_be_missing(account: Account) -> None:
    with pytest.raises(ClientError) as error:
        account.client("sagemaker").list_algorithms()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
