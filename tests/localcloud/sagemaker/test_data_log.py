from datetime import timedelta

from glue.localcloud.sagemaker import data_log
from glue.localcloud.sagemaker.invocation import Completed, failed
from tests.localcloud.sagemaker.test_invocation import NOW, request

END = "(Received: 2026-11-01T12:00:00.123Z, TotalProcessingTime: 1500 ms)"
LATER = NOW + timedelta(seconds=1.5)


def test_a_line_bears_the_inference_id_and_what_became_of_the_request() -> None:
    start = "2026-11-01T12:00:01.623:[sagemaker logs] [an id]"
    succeeded = data_log.line(request(), Completed("text/plain", b""), LATER)
    assert succeeded == f"{start} Inference request succeeded. {END}"
    gone_wrong = data_log.line(request(), failed("ClientError: Received server error (500)\n\n<html>"), LATER)
    assert gone_wrong == f"{start} Received server error (500) <html> {END}"
