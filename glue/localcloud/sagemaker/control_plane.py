"""SageMaker's operations on models, endpoint configs, endpoints and their tags.

moto keeps the rest of SageMaker. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable, Sequence
from typing import Any

from glue.localcloud.clock import Clock
from glue.localcloud.compute.images import ImageReference
from glue.localcloud.protocol import AwsError, Call, Document, NotOursError, Service
from glue.localcloud.sagemaker import descriptions
from glue.localcloud.sagemaker.deployments import faults_of
from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.localcloud.sagemaker.store import BadTokenError, Definition, Definitions, Tags, page, select

_PAGE = 10
_TAG_PAGE = 50
_OUR_KINDS = ("model/", "endpoint-config/", "endpoint/")


def invalid(message: str) -> AwsError:
    """SageMaker's error for nearly everything."""
    return AwsError("ValidationException", message)


class ControlPlane:
    """Models, endpoint configs, endpoints and tags."""

    def __init__(self, endpoints: Endpoints, clock: Clock) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._models = Definitions("model", "model")
        self._configs = Definitions("endpoint-config", "endpoint configuration")
        self._tags = Tags()

    def service(self) -> Service:
        """The operations, ready to be served."""
        return Service(
            "sagemaker",
            {
                "CreateModel": self.create_model,
                "DescribeModel": self.describe_model,
                "DeleteModel": self.delete_model,
                "ListModels": self.list_models,
                "CreateEndpointConfig": self.create_endpoint_config,
                "DescribeEndpointConfig": self.describe_endpoint_config,
                "DeleteEndpointConfig": self.delete_endpoint_config,
                "ListEndpointConfigs": self.list_endpoint_configs,
                "CreateEndpoint": self.create_endpoint,
                "DescribeEndpoint": self.describe_endpoint,
                "UpdateEndpoint": self.update_endpoint,
                "UpdateEndpointWeightsAndCapacities": self.update_endpoint_weights_and_capacities,
                "DeleteEndpoint": self.delete_endpoint,
                "ListEndpoints": self.list_endpoints,
                "AddTags": self.add_tags,
                "ListTags": self.list_tags,
                "DeleteTags": self.delete_tags,
            },
        )

    def create_model(self, call: Call) -> Document:
        """Keep a model. Image and model data are looked at when an endpoint is created."""
        containers = [call.params["PrimaryContainer"]] if "PrimaryContainer" in call.params else []
        containers += call.params.get("Containers", [])
        if not containers:
            raise invalid("Either PrimaryContainer or Containers must be specified.")
        for container in containers:
            image = container.get("Image", "")
            if ImageReference.parse(image) is None:
                raise invalid(f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.')
            container.setdefault("Mode", "SingleModel")
        return {"ModelArn": self._create(call, self._models, call.params["ModelName"])}

    def describe_model(self, call: Call) -> Document:
        """A model as it was created."""
        return descriptions.model(self._get(call, self._models, call.params["ModelName"]))

    def delete_model(self, call: Call) -> None:
        """Forget a model. Endpoints that run it go on."""
        self._delete(call, self._models, call.params["ModelName"])

    def list_models(self, call: Call) -> Document:
        """Models, newest first."""
        return _list(call, "Models", "Model", self._models.all(call.scope))

    def create_endpoint_config(self, call: Call) -> Document:
        """Keep an endpoint config; its models must exist."""
        for variant in call.params["ProductionVariants"]:
            self._get(call, self._models, variant.get("ModelName", ""))
            variant.setdefault("InitialVariantWeight", 1.0)
        return {"EndpointConfigArn": self._create(call, self._configs, call.params["EndpointConfigName"])}

    def describe_endpoint_config(self, call: Call) -> Document:
        """An endpoint config as it was created."""
        return descriptions.endpoint_config(self._get(call, self._configs, call.params["EndpointConfigName"]))

    def delete_endpoint_config(self, call: Call) -> None:
        """Forget an endpoint config. Endpoints that run it go on."""
        self._delete(call, self._configs, call.params["EndpointConfigName"])

    def list_endpoint_configs(self, call: Call) -> Document:
        """Endpoint configs, newest first."""
        return _list(call, "EndpointConfigs", "EndpointConfig", self._configs.all(call.scope))

    def create_endpoint(self, call: Call) -> Document:
        """Begin to bring an endpoint into service."""
        name = call.params["EndpointName"]
        config = self._get(call, self._configs, call.params["EndpointConfigName"])
        containers, role = self._containers(call, config)
        self._check_deployment(call.params.get("DeploymentConfig"), config)
        endpoint = self._endpoints.add(call.scope, name, config, containers, role)
        if endpoint is None:
            arn = call.scope.arn("sagemaker", f"endpoint/{name}")
            raise invalid(f'Cannot create already existing endpoint "{arn}".')
        endpoint.deployment_config = call.params.get("DeploymentConfig")
        self._tags.create(endpoint.arn, call.params.get("Tags", []))
        self._endpoints.changed(endpoint, tags=call.params.get("Tags", []))
        self._endpoints.run(endpoint, endpoint.create)
        return {"EndpointArn": endpoint.arn}

    def restore_endpoint(self, document: Document) -> None:
        """Have an endpoint as it was when it was written down; one that was being deleted is gone."""
        endpoint = self._endpoints.restore(document)
        if "tags" in document:
            self._tags.create(endpoint.arn, document["tags"])
        if endpoint.status == "Deleting":
            self._endpoints.remove(endpoint)
            self._tags.drop(endpoint.arn)

    def describe_endpoint(self, call: Call) -> Document:
        """The state of an endpoint."""
        return descriptions.endpoint(self._endpoint(call))

    def update_endpoint(self, call: Call) -> Document:
        """Begin to bring an endpoint onto another config."""
        endpoint = self._endpoint(call)
        config = self._get(call, self._configs, call.params["EndpointConfigName"])
        containers, role = self._containers(call, config)
        deployment = call.params.get("DeploymentConfig")
        if deployment is None and call.params.get("RetainDeploymentConfig"):
            deployment = endpoint.deployment_config
        self._check_deployment(deployment, config)
        self._check_scaled(call, endpoint, config)
        keep: frozenset[str] = frozenset()
        if call.params.get("RetainAllVariantProperties"):
            excluded = call.params.get("ExcludeRetainedVariantProperties", [])
            keep = frozenset({"DesiredInstanceCount", "DesiredWeight"})
            keep -= {entry["VariantPropertyType"] for entry in excluded}
        self._begin(endpoint, "Updating")
        self._endpoints.run(
            endpoint, lambda: endpoint.update(config, containers, role, deployment=deployment, keep=keep)
        )
        return {"EndpointArn": endpoint.arn}

    def update_endpoint_weights_and_capacities(self, call: Call) -> Document:
        """Begin to scale variants of an endpoint."""
        endpoint = self._endpoint(call)
        changes = call.params["DesiredWeightsAndCapacities"]
        known = {variant["VariantName"] for variant in endpoint.config.document["ProductionVariants"]}
        for change in changes:
            if change["VariantName"] not in known:
                raise invalid(f'The variant name(s) "{change["VariantName"]}" is/are not present within endpoint.')
        self._begin(endpoint, "Updating")
        self._endpoints.run(endpoint, lambda: endpoint.resize(changes))
        return {"EndpointArn": endpoint.arn}

    def delete_endpoint(self, call: Call) -> None:
        """Begin to end an endpoint."""
        endpoint = self._endpoint(call)
        self._begin(endpoint, "Deleting")
        self._endpoints.changed(endpoint)

        def forget() -> None:
            self._endpoints.remove(endpoint)
            self._tags.drop(endpoint.arn)

        self._endpoints.run(endpoint, endpoint.delete, forget)

    def list_endpoints(self, call: Call) -> Document:
        """Endpoints, newest first."""
        chosen = select(self._endpoints.all(call.scope), call.params, descriptions.listed)
        return _paged(
            call,
            "Endpoints",
            chosen,
            lambda one: {
                "EndpointName": one.name,
                "EndpointArn": one.arn,
                "CreationTime": one.created,
                "LastModifiedTime": one.modified,
                "EndpointStatus": one.status,
            },
        )

    def add_tags(self, call: Call) -> Document:
        """Set tags of a model, endpoint config or endpoint; all its tags."""
        tags = self._tags_of(call)
        tags.update({tag["Key"]: tag["Value"] for tag in call.params["Tags"]})
        return {"Tags": _as_list(tags)}

    def list_tags(self, call: Call) -> Document:
        """Tags of a model, endpoint config or endpoint."""
        return _paged(call, "Tags", _as_list(self._tags_of(call)), lambda tag: tag, size=_TAG_PAGE)

    def delete_tags(self, call: Call) -> None:
        """Remove tags of a model, endpoint config or endpoint."""
        tags = self._tags_of(call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)

    def _create(self, call: Call, kind: Definitions, name: str) -> str:
        document = {key: value for key, value in call.params.items() if key != "Tags"}
        definition = Definition(name, kind.arn(call.scope, name), self._clock.now(), document)
        if not kind.add(call.scope, definition):
            raise invalid(f'Cannot create already existing {kind.title} "{definition.arn}".')
        self._tags.create(definition.arn, call.params.get("Tags", []))
        return definition.arn

    def _get(self, call: Call, kind: Definitions, name: str) -> Definition:
        definition = kind.get(call.scope, name)
        if definition is None:
            raise invalid(f'Could not find {kind.title} "{kind.arn(call.scope, name)}".')
        return definition

    def _delete(self, call: Call, kind: Definitions, name: str) -> None:
        definition = self._get(call, kind, name)
        kind.remove(call.scope, name)
        self._tags.drop(definition.arn)

    def _endpoint(self, call: Call) -> Endpoint:
        name = call.params["EndpointName"]
        endpoint = self._endpoints.get(call.scope, name)
        if endpoint is None:
            raise invalid(f'Could not find endpoint "{call.scope.arn("sagemaker", f"endpoint/{name}")}".')
        return endpoint

    def _check_deployment(self, deployment: Document | None, config: Definition) -> None:
        counts = [variant.get("InitialInstanceCount", 1) for variant in config.document["ProductionVariants"]]
        for fault in faults_of(deployment or {}, max(counts)):
            raise invalid(fault)

    def _check_scaled(self, call: Call, endpoint: Endpoint, config: Definition) -> None:
        """Refuse to change the instance type of a variant, or to remove it, while it is a scalable target.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html (the wording is not documented)
        """
        types = {one["VariantName"]: one.get("InstanceType") for one in config.document["ProductionVariants"]}
        changed = {
            f"endpoint/{endpoint.name}/variant/{variant['VariantName']}": variant["VariantName"]
            for variant in endpoint.config.document["ProductionVariants"]
            if types.get(variant["VariantName"]) != variant.get("InstanceType")
        }
        if not changed:
            return
        scaled = self._endpoints.scalable_targets(call.scope, sorted(changed))
        if names := ", ".join(changed[target] for target in scaled):
            raise invalid(
                f'The variant(s) "[{names}]" must be deregistered as scalable targets with AWS Auto Scaling before '
                "they can be removed or have their instance type updated."
            )

    def _begin(self, endpoint: Endpoint, status: str) -> None:
        if endpoint.status == "Failed" and status != "Deleting":
            raise invalid(f'Cannot update failed endpoints "{endpoint.arn}".')
        if not self._endpoints.begin(endpoint, status):
            raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')

    def _containers(self, call: Call, config: Definition) -> tuple[dict[str, Document], str]:
        """The container of each model of `config`, and the role that runs them."""
        containers: dict[str, Document] = {}
        role = ""
        for variant in config.document["ProductionVariants"]:
            model = self._get(call, self._models, variant["ModelName"]).document
            role = model.get("ExecutionRoleArn", "")
            several = model.get("Containers", [])
            if len(several) > 1:
                raise invalid("The local cloud runs models of one container only; this is an inference pipeline.")
            containers[variant["ModelName"]] = model.get("PrimaryContainer") or several[0]
        return containers, role

    def _tags_of(self, call: Call) -> dict[str, str]:
        arn: str = call.params["ResourceArn"]
        tags = self._tags.of(arn)
        if tags is not None:
            return tags
        if arn.split(":", 5)[-1].startswith(_OUR_KINDS):
            raise invalid(f'Could not find resource "{arn}".')
        raise NotOursError


def _list(call: Call, result: str, prefix: str, definitions: Sequence[Definition]) -> Document:
    chosen = select(definitions, call.params, descriptions.listed)
    return _paged(
        call,
        result,
        chosen,
        lambda one: {f"{prefix}Name": one.name, f"{prefix}Arn": one.arn, "CreationTime": one.created},
    )


def _paged(
    call: Call, result: str, items: Sequence[Any], describe: Callable[[Any], Document], *, size: int = _PAGE
) -> Document:
    try:
        found, following = page(items, call.params.get("NextToken"), call.params.get("MaxResults", size))
    except BadTokenError as error:
        raise invalid(f"Invalid pagination token: {error}") from error
    document: Document = {result: [describe(item) for item in found]}
    return document | ({"NextToken": following} if following else {})


def _as_list(tags: dict[str, str]) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
