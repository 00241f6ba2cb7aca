"""What a plan of both roots with everything turned on says: who may do what, and what dashboards show."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from glue.terraform.runner import FLAG
from tests.terraform.conftest import MODULES, OFFLINE_PROVIDER, ROOT, Code, callable_roots

EVERYTHING = Path(__file__).with_name("everything.tf")

WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData": "knows namespaces only, to which a condition limits it",
    "ec2:DescribeDhcpOptions": "EC2's Describe actions take no resource",
    "ec2:DescribeNetworkInterfaces": "EC2's Describe actions take no resource",
    "ec2:DescribeSecurityGroups": "EC2's Describe actions take no resource",
    "ec2:DescribeSubnets": "EC2's Describe actions take no resource",
    "ec2:DescribeVpcs": "EC2's Describe actions take no resource",
    "ecr:GetAuthorizationToken": "a token is for the whole registry",
}
"""Why an action is allowed on `*`. Source: https://docs.aws.amazon.com/service-authorization/latest/reference/"""

WHOLE_SERVICE = {"kms:*": "the account decides by IAM who may use its key, else nobody could manage it"}
"""Why all actions of a service are allowed."""

# https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
OF_ENDPOINT = {
    "ApproximateAgeOfOldestRequest",
    "ApproximateBacklogSize",
    "ApproximateBacklogSizePerInstance",
    "HasBacklogWithoutCapacity",
}
OF_VARIANT = {
    "ExpiredRequests",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationFailures",
    "InvocationsProcessed",
    "ModelLatency",
    "NotificationFailures",
    "RequestDownloadFailures",
    "RequestDownloadLatency",
    "ResponseUploadFailures",
    "ResponseUploadLatency",
    "TimeInBacklog",
    "TotalProcessingTime",
}
METRICS: Mapping[tuple[str, ...], set[str]] = {
    ("AWS/SageMaker", "EndpointName"): OF_ENDPOINT,
    ("AWS/SageMaker", "EndpointName", "VariantName"): OF_VARIANT,
    ("AWS/Lambda", "FunctionName"): {"DeadLetterErrors", "Duration", "Errors", "Invocations", "Throttles"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
    ("AWS/Events", "RuleName"): {"InvocationsFailedToBeSentToDlq"},
    ("AWS/SNS", "TopicName"): {
        "NumberOfMessagesPublished",
        "NumberOfNotificationsDelivered",
        "NumberOfNotificationsFailed",
    },
}
"""The metrics there are, by namespace and dimensions."""

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Statement:
    """A statement of a planned policy: the data source it is from, and what it allows or denies."""

    address: str
    body: Mapping[str, Any]

    @property
    def allows(self) -> bool:
        return self.body.get("effect") in (None, "Allow")

    def all_of(self, field: str) -> list[str]:
        return [one for one in self.body.get(field) or [] if one is not None]


@pytest.fixture(scope="module")
def plan(attached: Code) -> Mapping[str, Any]:
    """The plan of everything, as JSON."""
    callable_roots(attached)
    folder = attached.root / "everything"
    folder.mkdir()
    (folder / "main.tf").write_text(EVERYTHING.read_text() + OFFLINE_PROVIDER)
    done = attached.run("everything", "init", backend=False, input=False)
    assert done.code == 0, done.output
    done = attached.run("everything", "plan", refresh=False, lock=False, out="plan", input=False)
    assert done.code == 0, done.output
    shown = attached.run("everything", "show", "plan", json=FLAG)
    document: dict[str, Any] = json.loads(shown.output)
    return document


def resources(plan: Mapping[str, Any], kind: str) -> Iterator[Resource]:
    """All resources and data sources of `kind`, whether they were read in the plan or wait for the apply."""
    waiting = [
        plan.get("prior_state", {}).get("values", {}).get("root_module", {}),
        plan["planned_values"]["root_module"],
    ]
    while waiting:
        module = waiting.pop()
        waiting += module.get("child_modules", [])
        yield from (one for one in module.get("resources", []) if one["type"] == kind)


@pytest.fixture(scope="module")
def statements(plan: Mapping[str, Any]) -> list[Statement]:
    found = list(resources(plan, "aws_iam_policy_document"))
    assert all(one["values"].get("statement") for one in found)
    return [Statement(one["address"], body) for one in found for body in one["values"]["statement"]]


def test_every_policy_of_every_module_is_in_the_plan(plan: Mapping[str, Any], statements: list[Statement]) -> None:
    calls = {
        name: Path(call["source"]).name
        for body in plan["configuration"]["root_module"]["module_calls"].values()
        for name, call in body["module"].get("module_calls", {}).items()
    }
    address = re.compile(r"module\.(\w+)(?:\[.+?\])?\.data\.aws_iam_policy_document\.(\w+)")
    matches = [found for one in statements if (found := address.search(one.address))]
    planned = {(calls.get(found[1], found[1]), found[2]) for found in matches}
    written = {
        (Path(folder).name, name)
        for folder in MODULES
        for file in (ROOT / folder).glob("*.tf")
        for name in re.findall(r'^data "aws_iam_policy_document" "(\w+)"', file.read_text(), re.MULTILINE)
    }
    assert planned == written


def test_policies_are_written_as_policy_documents_only() -> None:
    for folder in MODULES:
        for file in (ROOT / folder).glob("*.tf"):
            text = file.read_text()
            assert not re.search(r'"?Statement"?\s*[=:]|aws_iam_role_policy_attachment|managed_policy_arns', text), file


def test_every_action_is_allowed_on_named_resources_unless_aws_has_none(statements: list[Statement]) -> None:
    everywhere = {
        action
        for one in statements
        if one.allows
        and any(re.fullmatch(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*", name) for name in one.all_of("resources"))
        for action in one.all_of("actions")
    }
    assert everywhere == WITHOUT_RESOURCE.keys()


def test_actions_are_named_one_by_one(statements: list[Statement]) -> None:
    allowed = {action for one in statements if one.allows for action in one.all_of("actions")}
    assert {action for action in allowed if action == "*" or action.endswith(":*")} == WHOLE_SERVICE.keys()


def test_nothing_is_allowed_by_exception(statements: list[Statement]) -> None:
    for one in statements:
        assert not one.all_of("not_actions"), one.address
        assert not one.all_of("not_resources"), one.address
        assert not one.body.get("not_principals"), one.address


def test_nobody_unnamed_is_allowed_anything(statements: list[Statement]) -> None:
    for one in statements:
        principals = [name for block in one.body.get("principals") or [] for name in block.get("identifiers") or []]
        assert not one.allows or "*" not in principals, one.address


@pytest.fixture(scope="module")
def dashboards(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [json.loads(one["values"]["dashboard_body"]) for one in resources(plan, "aws_cloudwatch_dashboard")]
    assert len(found) == 2
    return found


def test_a_dashboard_has_the_structure_that_cloudwatch_asks_for(dashboards: list[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    needed = {
        "metric": {"metrics", "region"},
        "text": {"markdown"},
        "log": {"query", "region"},
        "alarm": {"alarms"},
    }
    for dashboard in dashboards:
        assert dashboard.keys() <= {"widgets", "variables", "start", "end", "periodOverride"}
        assert 0 < len(dashboard["widgets"]) <= 500
        for widget in dashboard["widgets"]:
            assert widget.keys() == {"type", "x", "y", "width", "height", "properties"}
            assert needed[widget["type"]] <= widget["properties"].keys()
            assert 0 <= widget["x"] < widget["x"] + widget["width"] <= 24
            assert widget["y"] >= 0
            assert 1 <= widget["height"] <= 1000


def test_widgets_lie_beside_each_other(dashboards: list[Mapping[str, Any]]) -> None:
    def apart(one: Mapping[str, int], other: Mapping[str, int], start: str, length: str) -> bool:
        return one[start] + one[length] <= other[start] or other[start] + other[length] <= one[start]

    for dashboard in dashboards:
        for one, other in combinations(dashboard["widgets"], 2):
            assert apart(one, other, "x", "width") or apart(one, other, "y", "height"), (one, other)


def test_a_dashboard_shows_metrics_that_there_are(dashboards: list[Mapping[str, Any]]) -> None:
    shown = set()
    for dashboard in dashboards:
        for widget in dashboard["widgets"]:
            for namespace, name, *rest in widget["properties"].get("metrics", []):
                *dimensions, options = rest
                assert name in METRICS[namespace, *dimensions[::2]], name
                assert options.keys() == {"stat"}
                shown.add(name)
    assert shown >= OF_ENDPOINT | OF_VARIANT, "a station of a request's way is not shown"


def test_alarms_watch_metrics_that_there_are(plan: Mapping[str, Any]) -> None:
    watched = set()
    for alarm in (one["values"] for one in resources(plan, "aws_cloudwatch_metric_alarm")):
        queries = [metric for query in alarm["metric_query"] or [] for metric in query["metric"]]
        for metric in queries or [alarm]:
            assert metric["metric_name"] in METRICS[metric["namespace"], *sorted(metric["dimensions"])]
            watched.add(metric["metric_name"])
    told_of = {"ExpiredRequests", "Invocation5XXErrors", "InvocationFailures", "NotificationFailures"}
    assert watched >= told_of | {"ApproximateAgeOfOldestRequest", "HasBacklogWithoutCapacity", "ApproximateBacklogSize"}
    assert watched >= {"ApproximateNumberOfMessagesVisible", "DeadLetterErrors", "InvocationsFailedToBeSentToDlq"}


def test_every_alarm_tells_its_begin_and_its_end_or_acts(plan: Mapping[str, Any]) -> None:
    """What is known of actions in a plan: that there are some, of which the topic's ARN is yet to come."""
    for change in plan["resource_changes"]:
        if change["type"] == "aws_cloudwatch_metric_alarm":
            name, unknown = change["change"]["after"]["alarm_name"], change["change"]["after_unknown"]
            told = {"alarm_actions", "ok_actions"} & unknown.keys()
            if name.endswith("-has-backlog-without-capacity"):
                assert told == {"alarm_actions"}, name
            elif name.endswith("-deployment-rollback"):
                assert told == set(), name
            else:
                assert told == {"alarm_actions", "ok_actions"}, name


def test_a_dashboard_links_the_alarms_of_its_endpoint(
    plan: Mapping[str, Any], dashboards: list[Mapping[str, Any]]
) -> None:
    names = {one["values"]["alarm_name"] for one in resources(plan, "aws_cloudwatch_metric_alarm")}
    linked = [
        arn
        for dashboard in dashboards
        for widget in dashboard["widgets"]
        if widget["type"] == "alarm"
        for arn in widget["properties"]["alarms"]
    ]
    places = {arn.rpartition(":")[0] for arn in linked}
    assert places == {"arn:aws:cloudwatch:eu-west-1:111122223333:alarm"}
    # All but those that people are not told of: they scale the endpoint and undo its updates.
    acting = {name for name in names if name.endswith(("-has-backlog-without-capacity", "-deployment-rollback"))}
    assert sorted(arn.rpartition(":")[2] for arn in linked) == sorted(names - acting)
    assert len(acting) == 4


def test_dashboard_queries_read_log_groups_that_are_kept_for_a_while(
    plan: Mapping[str, Any], dashboards: list[Mapping[str, Any]]
) -> None:
    groups = {one["values"]["name"]: one["values"] for one in resources(plan, "aws_cloudwatch_log_group")}
    for dashboard in dashboards:
        [query] = [one["properties"]["query"] for one in dashboard["widgets"] if one["type"] == "log"]
        sources = re.findall(r"SOURCE '([^']+)'", query)
        assert [source.split("/")[2] for source in sources] == ["lambda", "sagemaker"]
        assert all(groups[source]["retention_in_days"] == 30 for source in sources)
