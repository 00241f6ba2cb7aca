"""Both roots on a running cloud, through tftest: planned, applied while clients look on, destroyed."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tftest
from botocore.exceptions import ClientError

from docs import module_pages
from tests.localcloud.support import PROGRAM, REGION, Account
from tests.terraform.conftest import Code

ACCOUNT = "111122223333"
BACKEND = {"bucket": "state", "region": REGION, "use_lockfile": "true", "use_path_style": "true"}
COMMON = {
    "region": REGION,
    "account_id": ACCOUNT,
    "name_prefix": "platform",
    "s3_use_path_style": True,
    "abort_uploads_days": None,  # the provider polls for almost a minute for each lifecycle
}
ARTIFACTS = f"platform-{ACCOUNT}-{REGION}-artifacts"

_STEP = re.compile(r"^(\S+?)(?: \(deposed object \w+\))?: (Creating|Modifying|Destroying)\.\.\.", re.MULTILINE)
_LOOK_SECONDS = 0.05
_REQUEST_EVERY = 10


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` put over it, mapping by mapping."""
    return dict(base) | {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changes.items()
    }


def steps(log: str) -> list[str]:
    """What Terraform says that it began: `create module.x.y`, `update …`, `delete …`."""
    words = {"Creating": "create", "Modifying": "update", "Destroying": "delete"}
    return [f"{words[word]} {address}" for address, word in _STEP.findall(log)]


@dataclass
class Root:
    """A root module on a cloud, with its variables; `declared` are the names of those that it has."""

    terraform: tftest.TerraformTest
    variables: dict[str, Any]
    file: Path
    declared: frozenset[str]

    def _write(self, changes: dict[str, Any]) -> dict[str, Any]:
        values = merged(self.variables, changes)
        assert values.keys() <= self.declared  # Terraform itself only warns
        self.file.write_text(json.dumps(values))
        return {"tf_var_file": str(self.file)}

    def document(self, **changes: Any) -> dict[str, Any]:
        """The plan, as `terraform show -json` prints it."""
        planned = self.terraform.plan(output=True, **self._write(changes))
        document: dict[str, Any] = planned._raw  # tftest gives the whole of it in no other way
        return document

    def plan(self, **changes: Any) -> dict[str, str]:
        """What would happen: "create", "update", "delete" or a replacement's two, by address."""
        return {
            change["address"]: ",".join(change["change"]["actions"])
            for change in self.document(**changes).get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def apply(self, **changes: Any) -> list[str]:
        """Apply; the steps as they began: `create module.x.y`, `update …`, `delete …`."""
        return steps(self.terraform.apply(**self._write(changes)))

    def destroy(self) -> None:
        """Destroy everything."""
        self.terraform.destroy(**self._write({}))


def deployable(code: Code, folder: str, name: str, variables: dict[str, Any]) -> Root:
    """The root module `folder`, initialised with a state and data of its own under `name`."""
    terraform = tftest.TerraformTest(str(code.root / folder), binary=str(code.program))
    data = code.root / "data" / name
    terraform.env = {**code.environment, "TF_DATA_DIR": str(data)}
    terraform.setup(init_vars={**BACKEND, "key": f"{name}.tfstate"}, cleanup_on_exit=False)
    declared = frozenset(one.name for one in module_pages.variables(code.root / folder))
    return Root(terraform, variables, data.with_suffix(".tfvars.json"), declared)


@dataclass
class Looker:
    """A client that describes an endpoint and sends it requests, again and again, until it is told to stop."""

    platform: "Platform"
    looks: int = 0
    missing: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._done.is_set():
            try:
                self.platform.account.describe(self.platform.endpoint)
                if self.looks % _REQUEST_EVERY == 0:
                    self.answers.append(self.platform.send(f"watched/{self.looks}", b'{"do": "echo"}'))
            except ClientError as error:
                self.missing.append(str(error))
            self.looks += 1
            self._done.wait(_LOOK_SECONDS)

    def stop(self) -> None:
        self._done.set()


@dataclass
class Platform:
    """An environment with one endpoint."""

    account: Account
    root: Root
    first_steps: list[str] = field(default_factory=list)

    @property
    def environment(self) -> str:
        return str(self.root.variables["environment"])

    @property
    def endpoint(self) -> str:
        return f"platform-{self.environment}-rooms"

    @property
    def bucket(self) -> str:
        return f"platform-{ACCOUNT}-{REGION}-{self.environment}-data"

    def plan(self, **endpoint: Any) -> dict[str, str]:
        return self.root.plan(endpoints={"rooms": endpoint})

    def apply(self, **endpoint: Any) -> list[str]:
        return self.root.apply(endpoints={"rooms": endpoint})

    def replace(self, **endpoint: Any) -> list[str]:
        """Apply what replaces the endpoint, once more if that is refused because the former one is still being deleted.

        The provider takes it for gone meanwhile: https://github.com/hashicorp/terraform-provider-aws/issues/40080
        """
        try:
            return self.apply(**endpoint)
        except tftest.TerraformTestError as error:
            log = str(error.args[0])
            if "Cannot create already existing endpoint" not in log:
                raise
            waiter = self.account.client("sagemaker").get_waiter("endpoint_deleted")
            waiter.wait(EndpointName=self.endpoint, WaiterConfig={"Delay": 1})
            return [*steps(log), *self.apply(**endpoint)]

    @contextmanager
    def never_missing(self) -> Iterator[None]:
        """Require that the endpoint is there at every moment, and that each request sent meanwhile has an outcome."""
        looker = Looker(self)
        thread = threading.Thread(target=looker.run)
        thread.start()
        try:
            yield
        finally:
            looker.stop()
            thread.join()
        assert looker.missing == []
        assert looker.answers
        outcomes = {self.account.outcome(answer)[0] for answer in looker.answers}
        assert outcomes == {"Completed"}

    def send(self, name: str, content: bytes) -> dict[str, Any]:
        """Send a request by way of the endpoint's own inputs; the answer of InvokeEndpointAsync."""
        key = f"rooms/inputs/{name}"
        self.account.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        answer: dict[str, Any] = self.account.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.endpoint, InputLocation=f"s3://{self.bucket}/{key}"
        )
        return answer

    def outcome(self, content: bytes) -> tuple[dict[str, Any], str, bytes]:
        """Send a request; the answer, how it ended, and the result's content."""
        answer = self.send("request.json", content)
        return answer, *self.account.outcome(answer)

    def names(self) -> dict[str, list[str]]:
        """The names of all revisions there are."""
        sagemaker, iam = self.account.client("sagemaker"), self.account.client("iam")
        roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(self.endpoint)]
        found = {"NameContains": self.endpoint}
        return {
            "models": [model["ModelName"] for model in sagemaker.list_models(**found)["Models"]],
            "configs": [
                config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs(**found)["EndpointConfigs"]
            ],
            "policies": [name for role in roles for name in iam.list_role_policies(RoleName=role)["PolicyNames"]],
        }

    def facts(self) -> dict[str, Any]:
        """What AWS says of the endpoint, its scaling and its messages: any change made to them shows here."""
        client = self.account.client
        described = self.account.describe(self.endpoint)
        topics = [one["TopicArn"] for one in client("sns").list_topics()["Topics"] if self.endpoint in one["TopicArn"]]
        scaling = client("application-autoscaling")
        resource = f"endpoint/{self.endpoint}/variant/AllTraffic"
        return {
            "endpoint": {key: described[key] for key in ("EndpointConfigName", "EndpointStatus", "LastModifiedTime")},
            "revisions": self.names(),
            "topics": {arn: client("sns").get_topic_attributes(TopicArn=arn)["Attributes"] for arn in topics},
            "targets": scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])[
                "ScalableTargets"
            ],
            "policies": scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)[
                "ScalingPolicies"
            ],
            "bucket policy": client("s3").get_bucket_policy(Bucket=self.bucket)["Policy"],
            "tags": client("sagemaker").list_tags(ResourceArn=described["EndpointArn"])["Tags"],
        }


def image(account: Account, version: int) -> str:
    """An image of the serving program for tests; each version has a digest of its own."""
    program = f"{PROGRAM.read_text()}\nVERSION = {version}\n"
    return account.push_image(
        {"opt/program/program.py": program, "opt/program/requirements.lock": "# nothing\n"},
        repository="platform/location_detector",
        entrypoint=["python", "-m", "program"],
        labels={"io.async-inference.runtime": "process"},
    )


def alive(account: Account, key: str) -> bool:
    """Whether a key is not going: AWS deletes none at once."""
    state: str = account.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return state != "PendingDeletion"


def tagged(account: Account, environment: str) -> list[str]:
    """The ARNs of all that bears the environment's tag, as the services tell that keep tags."""
    client = account.client
    wanted = {"Key": "environment", "Values": [environment]}
    pages = client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=[wanted])
    arns = {one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]}
    sagemaker = client("sagemaker")
    ours = [
        *(one["EndpointArn"] for one in sagemaker.list_endpoints()["Endpoints"]),
        *(one["EndpointConfigArn"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        *(one["ModelArn"] for one in sagemaker.list_models()["Models"]),
    ]
    mark = {"Key": "environment", "Value": environment}
    arns |= {arn for arn in ours if mark in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    for role in client("iam").list_roles()["Roles"]:
        if mark in client("iam").list_role_tags(RoleName=role["RoleName"])["Tags"]:
            arns.add(role["Arn"])
    return sorted(arn for arn in arns if ":kms:" not in arn or alive(account, arn))
