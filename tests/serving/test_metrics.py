from prometheus_client.parser import text_string_to_metric_families

from tests.serving.conftest import Launcher, Server

HANDLER = """
    import os
    def model_fn(model_dir):
        pass
    def predict_fn(data, model):
        if data == {"die": True}:
            os._exit(1)
        return data
"""


def samples(server: Server) -> dict[str, float]:
    """Values by name and labels, as Prometheus reads them."""
    response = server.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_metrics_are_off_unless_asked_for(launch: Launcher) -> None:
    assert launch(HANDLER).ready().client.get("/metrics").status_code == 404


def test_metrics_count_requests_bytes_time_and_workers(launch: Launcher) -> None:
    server = launch(HANDLER, SAGEMAKER_METRICS="on").ready()
    assert server.post('{"a": 1}').status_code == 200
    assert server.post("{").status_code == 400
    assert server.post('{"die": true}').status_code == 500
    server.record("ready", count=2)
    found = samples(server)
    assert found["serving_requests_total[('outcome', 'ok'), ('status', '200')]"] == 1
    assert found["serving_requests_total[('outcome', 'bad_request'), ('status', '400')]"] == 1
    assert found["serving_requests_total[('outcome', 'worker_died'), ('status', '500')]"] == 1
    assert found["serving_bytes_total[('direction', 'request')]"] == 8 + 1 + 13
    assert found["serving_request_seconds_count[('phase', 'total')]"] == 3
    assert found["serving_request_seconds_count[('phase', 'predict')]"] == 1
    assert found["serving_state[('serving_state', 'ready')]"] == 1
    assert found["serving_worker_starts_total[]"] == 2
    assert (found["serving_slots[]"], found["serving_slots_taken[]"], found["serving_workers[]"]) == (1, 0, 1)


def test_what_there_is_includes_the_metrics(launch: Launcher) -> None:
    server = launch(HANDLER, SAGEMAKER_METRICS="on").ready()
    assert "GET /metrics are served" in server.client.get("/").text
