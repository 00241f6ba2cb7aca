from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.sagemaker.deployments import Plan, faults_of, plan, share


def routed(kind: str, **options: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": 60, **options}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 30}}


def size(kind: str, value: int) -> dict[str, Any]:
    return {"Type": kind, "Value": value}


@pytest.mark.parametrize(
    ("deployment", "instances", "expected"),
    [
        (None, 3, Plan()),
        (routed("ALL_AT_ONCE"), 3, Plan(bake=60, termination_wait=30)),
        (
            routed("CANARY", CanarySize=size("INSTANCE_COUNT", 1)),
            4,
            Plan((0.25, 1.0), bake=60, termination_wait=30),
        ),
        (
            routed("CANARY", CanarySize=size("CAPACITY_PERCENT", 10)),
            4,
            Plan((0.25, 1.0), bake=60, termination_wait=30),
        ),
        (routed("CANARY", CanarySize=size("CAPACITY_PERCENT", 50)), 1, Plan(bake=60, termination_wait=30)),
        (
            routed("LINEAR", LinearStepSize=size("CAPACITY_PERCENT", 33)),
            3,
            Plan((1 / 3, 2 / 3, 1.0), bake=60, termination_wait=30),
        ),
        (
            routed("LINEAR", LinearStepSize=size("INSTANCE_COUNT", 2)),
            5,
            Plan((0.4, 0.8, 1.0), bake=60, termination_wait=30),
        ),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": size("INSTANCE_COUNT", 1),
                    "WaitIntervalInSeconds": 5,
                    "MaximumExecutionTimeoutInSeconds": 600,
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]},
            },
            2,
            Plan((0.5, 1.0), bake=5, limit=600, rolling=True, alarms=("a",)),
        ),
    ],
)
def test_a_deployment_is_a_plan(deployment: dict[str, Any] | None, instances: int, expected: Plan) -> None:
    assert plan(deployment, instances) == expected


@given(
    st.sampled_from(["CANARY", "LINEAR"]),
    st.sampled_from(["INSTANCE_COUNT", "CAPACITY_PERCENT"]),
    st.integers(1, 100),
    st.integers(0, 20),
)
def test_every_plan_grows_to_the_whole_fleet_by_whole_instances(
    kind: str, unit: str, value: int, instances: int
) -> None:
    steps = plan(routed(kind, CanarySize=size(unit, value), LinearStepSize=size(unit, value)), instances).steps
    counts = [share(instances, step) for step in steps]
    assert counts[-1] == instances
    assert instances == 0 or counts == sorted(set(counts))


@pytest.mark.parametrize(
    ("deployment", "instances", "message"),
    [
        (routed("CANARY", CanarySize=size("CAPACITY_PERCENT", 51)), 9, "CanarySize must be 0-50% of the variant's"),
        (routed("CANARY", CanarySize=size("INSTANCE_COUNT", 2)), 3, "CanarySize must be 0-50%"),
        (routed("CANARY"), 3, "CanarySize must be specified for traffic routing of type CANARY."),
        (routed("LINEAR"), 3, "LinearStepSize must be specified"),
        (routed("LINEAR", LinearStepSize=size("CAPACITY_PERCENT", 9)), 9, "LinearStepSize must be 10-50%"),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": size("CAPACITY_PERCENT", 4), "WaitIntervalInSeconds": 0}},
            9,
            "MaximumBatchSize must be 5-50%",
        ),
        (
            routed("ALL_AT_ONCE")
            | {"RollingUpdatePolicy": {"MaximumBatchSize": size("INSTANCE_COUNT", 1), "WaitIntervalInSeconds": 0}},
            2,
            "Only one update policy",
        ),
    ],
)
def test_what_the_api_reference_rules_out_is_named(deployment: dict[str, Any], instances: int, message: str) -> None:
    [fault] = faults_of(deployment, instances)
    assert fault.startswith(message)


@pytest.mark.parametrize(
    "deployment",
    [
        {},
        routed("ALL_AT_ONCE"),
        routed("CANARY", CanarySize=size("INSTANCE_COUNT", 2)),
        routed("LINEAR", LinearStepSize=size("CAPACITY_PERCENT", 50)),
    ],
)
def test_what_the_api_reference_allows_has_no_faults(deployment: dict[str, Any]) -> None:
    assert list(faults_of(deployment, 4)) == []
