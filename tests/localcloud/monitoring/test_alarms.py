"""Metric alarms, evaluated minute by minute on a local cloud whose minutes pass in a second."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.localcloud.support import Account, eventually

NAMESPACE = "Tests"


def put_alarm(account: Account, name: str, **changes: Any) -> None:
    """An alarm on the metric of its own name: above 5 in one minute."""
    rule: dict[str, Any] = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "TreatMissingData": "notBreaching",
    }
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, **(rule | changes))


def put_value(account: Account, name: str, value: float) -> None:
    """A value of a metric, at the cloud's present."""
    account.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[{"MetricName": name, "Value": value}])


def alarm(account: Account, name: str) -> dict[str, Any]:
    [found] = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def reaches(account: Account, name: str, state: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found = alarm(account, name)
        return found if found["StateValue"] == state else {}

    return eventually(look, what=f"alarm {name} in state {state}")


def history(account: Account, name: str, kind: str) -> list[str]:
    client = account.client("cloudwatch")
    items = client.describe_alarm_history(AlarmName=name, HistoryItemType=kind, ScanBy="TimestampAscending")
    return [item["HistorySummary"] for item in items["AlarmHistoryItems"]]


def test_an_alarm_goes_off_and_back_by_its_metric_and_says_why(fast: Account) -> None:
    topic, inbox = fast.topic("alarm-cycle")
    actions = {"AlarmActions": [topic], "OKActions": [topic]}
    # Each state lasts until the next value, however long that takes.
    put_alarm(fast, "cycle", AlarmDescription="too many", TreatMissingData="ignore", **actions)
    assert alarm(fast, "cycle")["StateValue"] == "INSUFFICIENT_DATA"
    put_value(fast, "cycle", 1)
    reaches(fast, "cycle", "OK")
    put_value(fast, "cycle", 7)
    found = reaches(fast, "cycle", "ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [7.0 (")
    assert found["StateReason"].endswith(
        "was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    data = json.loads(found["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["period"]) == ([7.0], 5.0, 60)
    assert found["StateUpdatedTimestamp"] == found["StateTransitionedTimestamp"]
    put_value(fast, "cycle", 1)
    reaches(fast, "cycle", "OK")

    eventually(lambda: len(inbox.read()) >= 3, what="three notifications")
    assert [(message["OldStateValue"], message["NewStateValue"]) for message in inbox.messages] == [
        ("INSUFFICIENT_DATA", "OK"),
        ("OK", "ALARM"),
        ("ALARM", "OK"),
    ]
    message = inbox.messages[1]
    assert message["NewStateReason"] == found["StateReason"]
    assert (message["AlarmDescription"], message["Region"]) == ("too many", "US East (N. Virginia)")
    assert message["Trigger"]["MetricName"] == "cycle"
    assert history(fast, "cycle", "StateUpdate") == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
    ]
    done = f"Successfully executed action {topic}"
    eventually(lambda: history(fast, "cycle", "Action") == [done] * 3, what="actions in the history")


def test_an_alarm_needs_as_many_breaching_datapoints_as_it_says(fast: Account) -> None:
    rule = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Statistic": "Sum", "TreatMissingData": "ignore"}
    put_alarm(fast, "two-of-three", **rule)
    start = alarm(fast, "two-of-three")["AlarmConfigurationUpdatedTimestamp"]
    minute = start.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=6)  # values of the future
    fast.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {"MetricName": "two-of-three", "Value": value, "Timestamp": minute + timedelta(minutes=at)}
            for at, value in ((0, 3), (0, 3), (1, 0), (2, 8))
        ],
    )
    found = reaches(fast, "two-of-three", "ALARM")
    assert "2 out of the last 3 datapoints [8.0 (" in found["StateReason"]
    assert found["StateUpdatedTimestamp"].astimezone(UTC) >= minute + timedelta(minutes=3)


def test_an_alarm_whose_metric_falls_silent_has_insufficient_data_and_acts_on_it(fast: Account) -> None:
    topic, inbox = fast.topic("alarm-silent")
    put_alarm(fast, "silent", TreatMissingData="missing", InsufficientDataActions=[topic])
    put_value(fast, "silent", 1)
    changes = ["Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to INSUFFICIENT_DATA"]
    eventually(lambda: history(fast, "silent", "StateUpdate") == changes, what="both changes of its state")
    found = alarm(fast, "silent")
    assert found["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    assert eventually(inbox.read)[0]["NewStateValue"] == "INSUFFICIENT_DATA"


def test_missing_data_keep_the_state_or_breach_when_the_alarm_says_so(fast: Account) -> None:
    put_alarm(fast, "breaching", TreatMissingData="breaching")
    put_alarm(fast, "ignored", TreatMissingData="ignore")
    put_value(fast, "ignored", 9)
    reaches(fast, "ignored", "ALARM")
    found = reaches(fast, "breaching", "ALARM")
    assert "1 missing datapoint was treated as [Breaching]" in found["StateReason"]
    put_alarm(fast, "later")
    reaches(fast, "later", "OK")
    later = history(fast, "ignored", "StateUpdate")
    assert later == ["Alarm updated from INSUFFICIENT_DATA to ALARM"]


def test_disabled_actions_are_not_carried_out(fast: Account) -> None:
    topic, inbox = fast.topic("alarm-disabled")
    put_alarm(fast, "disabled", AlarmActions=[topic], ActionsEnabled=False)
    fast.client("cloudwatch").set_alarm_state(AlarmName="disabled", StateValue="ALARM", StateReason="first")
    fast.client("cloudwatch").enable_alarm_actions(AlarmNames=["disabled"])
    reaches(fast, "disabled", "OK")
    fast.client("cloudwatch").set_alarm_state(AlarmName="disabled", StateValue="ALARM", StateReason="second")
    assert [message["NewStateReason"] for message in eventually(inbox.read)] == ["second"]


def test_a_state_that_was_set_lasts_until_the_next_evaluation(fast: Account) -> None:
    put_alarm(fast, "set")
    reaches(fast, "set", "OK")
    fast.client("cloudwatch").set_alarm_state(AlarmName="set", StateValue="ALARM", StateReason="a test")
    reaches(fast, "set", "OK")
    assert history(fast, "set", "StateUpdate")[-2:] == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_an_alarm_that_is_changed_keeps_its_state(account: Account) -> None:
    put_alarm(account, "changed", TreatMissingData="ignore")
    account.client("cloudwatch").set_alarm_state(AlarmName="changed", StateValue="ALARM", StateReason="a test")
    put_alarm(account, "changed", EvaluationPeriods=60, TreatMissingData="ignore")
    found = alarm(account, "changed")
    assert (found["StateValue"], found["StateReason"], found["EvaluationPeriods"]) == ("ALARM", "a test", 60)
    assert history(account, "changed", "ConfigurationUpdate") == [
        'Alarm "changed" created',
        'Alarm "changed" updated',
    ]


def test_alarms_are_found_by_name_and_state_at_once(account: Account) -> None:
    client = account.client("cloudwatch")
    for name, state in (("found-on", "ALARM"), ("found-off", "OK")):
        put_alarm(account, name, EvaluationPeriods=60, TreatMissingData="ignore")
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    found = client.describe_alarms(AlarmNames=["found-on", "found-off"], StateValue="ALARM")["MetricAlarms"]
    assert [one["AlarmName"] for one in found] == ["found-on"]
    assert client.describe_alarms(AlarmNames=["found-off"], StateValue="ALARM")["MetricAlarms"] == []


def test_the_history_comes_in_pages(account: Account) -> None:
    put_alarm(account, "paged", EvaluationPeriods=60, TreatMissingData="ignore")
    for state in ("ALARM", "OK") * 3:
        account.client("cloudwatch").set_alarm_state(AlarmName="paged", StateValue=state, StateReason="a test")
    pages = account.client("cloudwatch").get_paginator("describe_alarm_history")
    found = [
        item["HistorySummary"]
        for page in pages.paginate(AlarmName="paged", PaginationConfig={"PageSize": 3})
        for item in page["AlarmHistoryItems"]
    ]
    assert found[-1] == 'Alarm "paged" created'
    assert len(found) == 7


MATH = "The local cloud does not evaluate this alarm: it watches metric math, of which SEARCH(m) is not evaluated."
NO_DATA = "Threshold Crossed: no datapoints were received for 1 period"


def query(statistic: str, **options: Any) -> dict[str, Any]:
    metric = {"Namespace": NAMESPACE, "MetricName": "queried"}
    return {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}, **options}


@pytest.mark.parametrize(
    ("metrics", "state", "reason"),
    [
        ([query("p90")], "OK", NO_DATA),
        ([query("Sum", ReturnData=False), {"Id": "e", "Expression": "m * 2"}], "OK", NO_DATA),
        (
            [query("Sum", ReturnData=False), {"Id": "e", "Expression": "FILL(m, 2) * 2"}],
            "ALARM",
            "Threshold Crossed: 1 out of",
        ),
        ([query("Sum", ReturnData=False), {"Id": "e", "Expression": "SEARCH(m)"}], "INSUFFICIENT_DATA", MATH),
    ],
)
def test_metric_queries_are_evaluated_and_what_is_not_is_named(
    fast: Account, metrics: list[dict[str, Any]], state: str, reason: str
) -> None:
    name = f"queries-{state}-{metrics[-1].get('Expression', '').replace('*', 'times')}"
    fast.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=metrics,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    eventually(lambda: alarm(fast, name)["StateReason"].startswith(reason), what=reason)
    assert alarm(fast, name)["StateValue"] == state


def test_a_metric_is_found_by_all_its_dimensions_in_any_order(account: Account) -> None:
    client = account.client("cloudwatch")
    named = [{"Name": "EndpointName", "Value": "rooms"}, {"Name": "VariantName", "Value": "all"}]
    now = datetime.now(UTC)
    client.put_metric_data(
        Namespace="Dimensions", MetricData=[{"MetricName": "m", "Value": 3, "Dimensions": named, "Timestamp": now}]
    )
    asked = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}

    def statistics(dimensions: list[dict[str, str]]) -> list[Any]:
        found = client.get_metric_statistics(
            Namespace="Dimensions", MetricName="m", Dimensions=dimensions, Period=60, Statistics=["Sum"], **asked
        )["Datapoints"]
        return [(point["Sum"], point["Timestamp"].second) for point in found]

    assert statistics(named) == statistics(named[::-1]) == [(3.0, 0)]
    assert statistics(named[:1]) == statistics([]) == []
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": "Dimensions", "MetricName": "m", "Dimensions": dimensions},
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for number, dimensions in enumerate((named, named[::-1], named[:1]))
    ]
    results = client.get_metric_data(MetricDataQueries=queries, **asked)["MetricDataResults"]
    assert [result["Values"] for result in results] == [[3.0], [3.0], []]
