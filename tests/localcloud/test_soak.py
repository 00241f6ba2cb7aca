"""Many requests while instances are killed: every one has one outcome. `SOAK_REQUESTS=10000` makes it a long run."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.localcloud.fault_injection import faults_client
from tests.localcloud.support import Account, eventually

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "200"))
EVERY = 500 if REQUESTS >= 5000 else 20  # requests from one kill to the next
CLIENTS = 4


@pytest.mark.timeout(120 + REQUESTS / 5)
def test_every_request_has_one_outcome_though_instances_are_killed_all_the_time(
    account: Account, cloud_dir: Path
) -> None:
    topic, inbox = account.topic("soak")
    account.deploy("soak", topics=(topic, topic), count=2, concurrency=4)
    runtime = account.client("sagemaker-runtime")
    where = account.put("inputs/soak", b'{"do": "echo"}')

    def send(number: int) -> str:
        if number % EVERY == EVERY - 1:
            eventually(lambda: killed_one(cloud_dir), what="an instance to be killed")
        answer = runtime.invoke_endpoint_async(EndpointName="soak", InputLocation=where, InferenceId=f"soak-{number}")
        place: str = answer["OutputLocation"]
        return place

    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        heard = threads.submit(
            eventually, lambda: len(inbox.results()) >= REQUESTS, within=60 + REQUESTS / 5, what="notifications"
        )
        places = list(threads.map(send, range(REQUESTS)))
        heard.result()
    told = Counter(message["inferenceId"] for message in inbox.results())
    assert told == Counter({f"soak-{number}": 1 for number in range(REQUESTS)})
    outcomes = {message["inferenceId"]: message["invocationStatus"] for message in inbox.results()}
    failed = {name for name, status in outcomes.items() if status == "Failed"}
    keys = {f"s3://{account.bucket}/{key}" for key in listed(account, "soak/results/")}
    assert {places.index(place) for place in set(places) - keys} == {int(name.removeprefix("soak-")) for name in failed}
    assert len(listed(account, "soak/failures/")) == len(failed)
    reasons = [message["failureReason"] for message in inbox.results() if message["inferenceId"] in failed]
    assert all("the container ended" in reason for reason in reasons)
    kills = REQUESTS // EVERY
    eventually(lambda: restarts(cloud_dir) == kills, what="log of every restart")
    print(f"{REQUESTS} requests, {kills} instances killed, {len(failed)} failed visibly")
    account.delete("soak")


def killed_one(cloud_dir: Path) -> bool:
    try:
        faults_client.start(cloud_dir, {"kind": "kill-instance", "endpoint": "soak"})
    except UsageError:  # none is ready
        return False
    return True


def restarts(cloud_dir: Path) -> int:
    return sum(log.read_text().count("starting it again") for log in (cloud_dir / "logs").glob("*-soak-*.log"))


def listed(account: Account, prefix: str) -> list[str]:
    pages = account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=account.bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
