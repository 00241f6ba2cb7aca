"""Starts SageMaker's toolkit: its configuration in a folder of its own, and for this machine only."""

import sys

from sagemaker_inference import model_server

generate = model_server._generate_mms_config_properties
model_server.MMS_CONFIG_FILE = sys.argv[1]


def _local(*arguments: object) -> str:
    return generate(*arguments).replace("0.0.0.0", "127.0.0.1")  # type: ignore[no-any-return]  # noqa: S104


model_server._generate_mms_config_properties = _local
model_server.start_model_server()
