"""Metrics of functions and queues, by the minute: what alarms on dead letters look at."""

from datetime import datetime

from moto.sqs.models import sqs_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.functions.counts import UNITS, Counts
from glue.localcloud.monitoring import metric_store
from glue.scaling.metrics import Sample


def publish_functions(counts: Counts, start: datetime) -> None:
    """What functions did in the minute that began at `start`."""
    for (scope, function, name), values in counts.take().items():
        metric_store.put(
            scope,
            "AWS/Lambda",
            name,
            Sample.of(start, values),
            dimensions={"FunctionName": function},
            unit=UNITS[name],
        )


def publish_queues(start: datetime) -> None:
    """How many messages can be received from each queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    for account, regions in list(sqs_backends.items()):
        for region, backend in list(regions.items()):
            for queue in list(backend.queues.values()):
                metric_store.put(
                    Scope(account, region),
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    Sample.of(start, [float(queue.approximate_number_of_messages)]),
                    dimensions={"QueueName": queue.name},
                    unit="Count",
                )
