"""Answers that AWS would not give are noted, whatever protocol they are given in."""

import json
import logging
from collections.abc import Mapping

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from glue.localcloud.judging import judged

JSON = {"X-Amz-Target": "a.b"}
QUERY = {"Content-Type": "application/x-www-form-urlencoded"}


def noted(
    caplog: pytest.LogCaptureFixture,
    operation: str,
    body: str,
    *,
    asked: Mapping[str, str] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> list[str]:
    """What is noted of an answer to `operation`, which comes through as it is."""
    environ = EnvironBuilder(headers=Headers(asked)).get_environ()
    answer = Response(body, status=status, headers=Headers(headers), content_type="text")
    with caplog.at_level(logging.ERROR):
        given = judged(answer, environ, *operation.split("."))
    assert (given.get_data(as_text=True), given.status_code) == (body, status)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("operation", "body", "asked"),
    [
        ("sqs.GetQueueUrl", json.dumps({"QueueUrl": "http://x"}), JSON),
        ("sns.CreateTopic", "<R><CreateTopicResult><TopicArn>arn</TopicArn></CreateTopicResult></R>", {}),
        ("cloudwatch.PutDashboard", "<R><PutDashboardResult/></R>", QUERY),
        ("s3.ListObjectsV2", "<ListBucketResult><KeyCount>1</KeyCount></ListBucketResult>", {}),
        ("lambda.GetAccountSettings", "{}", {}),
        ("kms.CreateAlias", "null", JSON),
        ("s3.GetObject", "any", {}),
        ("s3.NoSuchOperation", "any", {}),
    ],
)
def test_what_the_model_describes_is_not_noted(
    operation: str, body: str, asked: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert noted(caplog, operation, body, asked=asked) == []


@pytest.mark.parametrize(
    ("operation", "body", "asked", "said"),
    [
        ("sqs.GetQueueUrl", json.dumps({"Url": "http://x"}), JSON, "unknown member Url"),
        ("sqs.GetQueueUrl", json.dumps({"QueueUrl": 1}), JSON, "queueUrl: expected string, found int"),
        ("application-autoscaling.PutScalingPolicy", "{}", JSON, "Value null at 'policyARN'"),
        (
            "s3.ListObjectsV2",
            "<ListBucketResult><Contents><StorageClass>CHEAP</StorageClass></Contents></ListBucketResult>",
            {},
            "Value 'CHEAP' at 'contents.1.member.storageClass'",
        ),
        (
            "iam.GetRole",
            "<R><GetRoleResult><Role><RoleName>a b</RoleName></Role></GetRoleResult></R>",
            {},
            "Value 'a b' at 'role.roleName'",
        ),
        (
            "cloudwatch.ListMetrics",
            "<R><ListMetricsResult><Metrics><member><MetricName/></member></Metrics></ListMetricsResult></R>",
            QUERY,
            "Value '' at 'metrics.1.member.metricName'",
        ),
        ("lambda.GetFunctionConcurrency", '{"ReservedConcurrentExecutions": -1}', {}, "greater than or equal to 0"),
        ("sns.CreateTopic", "{}", {}, "Unable to parse response"),
        ("sqs.GetQueueUrl", "<xml/>", JSON, "Expecting value"),
        ("sqs.GetQueueUrl", "[1]", JSON, "expected an object, found list"),
    ],
)
def test_what_it_does_not_describe_is(
    operation: str, body: str, asked: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    [note] = noted(caplog, operation, body, asked=asked)
    assert note.startswith(f"the answer of {operation} breaks AWS's service model: ")
    assert said in note


def test_a_header_is_judged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    [note] = noted(caplog, "s3.GetObject", "any", headers={"x-amz-storage-class": "CHEAP"})
    assert "Value 'CHEAP' at 'storageClass'" in note


def test_an_error_is_not_judged(caplog: pytest.LogCaptureFixture) -> None:
    assert noted(caplog, "sqs.GetQueueUrl", '{"__type": "X"}', asked=JSON, status=400) == []
