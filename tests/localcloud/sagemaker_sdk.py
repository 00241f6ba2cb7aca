"""The SageMaker Python SDK's asynchronous predictor, unchanged: run by tests/localcloud/test_sagemaker_sdk.py.

Arguments: endpoint, bucket. The environment names account, region and URL, as for any AWS client.
"""

import json
import os
import sys
from typing import Any

import sagemaker
from sagemaker.async_inference import WaiterConfig
from sagemaker.deserializers import JSONDeserializer
from sagemaker.exceptions import AsyncInferenceModelError, ObjectNotExistedError
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.serializers import JSONSerializer

PATIENT = WaiterConfig(max_attempts=60, delay=1)


def main(endpoint: str, bucket: str) -> dict[str, Any]:
    session = sagemaker.Session(default_bucket=bucket)
    plain = Predictor(endpoint, sagemaker_session=session, serializer=JSONSerializer(), deserializer=JSONDeserializer())
    predictor = AsyncPredictor(plain)
    told: dict[str, Any] = {"predict": predictor.predict({"do": "echo", "number": 1}, waiter_config=PATIENT)}
    response = predictor.predict_async({"do": "echo", "number": 2}, input_path=f"s3://{bucket}/sdk/input.json")
    told["result"] = response.get_result(PATIENT)
    told["again"] = response.get_result()
    try:
        predictor.predict({"do": "refuse", "status": 400, "message": "not a drawing"}, waiter_config=PATIENT)
    except AsyncInferenceModelError as error:
        told["failure"] = str(error)
    waiting = predictor.predict_async({"do": "hang", "seconds": 30})
    try:
        waiting.get_result()
    except ObjectNotExistedError:
        told["early"] = "no object yet"
    told["late"] = waiting.failure_path is not None
    return told


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
    os._exit(0)  # threads of the SDK still wait for the objects that do not come, a minute for each request
