"""What the Describe and List operations answer, from the state of models, endpoint configs and endpoints."""

from typing import Any

from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.fleet import Variant
from glue.localcloud.sagemaker.store import Definition, Listed

Document = dict[str, Any]


def model(definition: Definition) -> Document:
    """DescribeModel."""
    return definition.document | {
        "ModelArn": definition.arn,
        "CreationTime": definition.created,
        "EnableNetworkIsolation": definition.document.get("EnableNetworkIsolation", False),
    }


def endpoint_config(definition: Definition) -> Document:
    """DescribeEndpointConfig."""
    return definition.document | {"EndpointConfigArn": definition.arn, "CreationTime": definition.created}


def endpoint(state: Endpoint) -> Document:
    """DescribeEndpoint. What is not there is left out, as AWS does: never an empty structure."""
    document: Document = {
        "EndpointName": state.name,
        "EndpointArn": state.arn,
        "EndpointConfigName": state.config.name,
        "EndpointStatus": state.status,
        "CreationTime": state.created,
        "LastModifiedTime": state.modified,
    }
    if state.fleet is not None:
        document["ProductionVariants"] = [_variant(variant) for variant in state.fleet.variants]
    if state.failure_reason:
        document["FailureReason"] = state.failure_reason
    if state.async_config:
        document["AsyncInferenceConfig"] = state.async_config
    if state.deployment_config:
        document["LastDeploymentConfig"] = state.deployment_config
    pending = state.pending
    if pending is not None:
        document["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending.config.name,
            "StartTime": state.pending_since,
            "ProductionVariants": [_pending_variant(variant, state) for variant in pending.variants],
        }
    return document


def listed(item: Definition | Endpoint) -> Listed:
    """What lists sort and filter by."""
    if isinstance(item, Endpoint):
        return Listed(item.name, item.created, item.modified, item.status)
    return Listed(item.name, item.created, item.created, "")


def _variant(variant: Variant) -> Document:
    document: Document = {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": len(variant.workers),
        "DesiredInstanceCount": variant.desired,
    }
    if variant.launch is not None:
        document["DeployedImages"] = [
            {
                "SpecifiedImage": variant.container["Image"],
                "ResolvedImage": variant.launch.image.resolved,
                "ResolutionTime": variant.resolved,
            }
        ]
    return document


def _pending_variant(variant: Variant, state: Endpoint) -> Document:
    status = {"Status": state.pending_status, "StartTime": state.pending_since}
    return _variant(variant) | {"InstanceType": variant.document.get("InstanceType"), "VariantStatus": [status]}
