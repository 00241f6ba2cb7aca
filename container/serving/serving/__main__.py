"""`serve`, or `python -m serving`: the program in a SageMaker inference container."""

import argparse
import os
import sys
from collections.abc import Sequence

from serving import logs, settings
from serving.errors import SettingsError

_EPILOG = """\
example:
  SAGEMAKER_BASE_DIR=./ml SAGEMAKER_BIND_TO_HOST=127.0.0.1 serve
    loads ./ml/model/code/inference.py, answers GET /ping and POST /invocations on port 8080

The handler has model_fn(model_dir) and predict_fn(data, model), with input_fn(body, content_type) and
output_fn(prediction, accept) where JSON, CSV and NPY do not do; or it has model_fn(model_dir) and
transform_fn(model, body, content_type, accept).

environment (defaults in brackets):
  SAGEMAKER_BASE_DIR                      the model is in model/ below it [/opt/ml]
  SAGEMAKER_SUBMIT_DIRECTORY              folder of the handler [<base>/model/code]
  SAGEMAKER_PROGRAM                       the handler [inference.py]
  SAGEMAKER_BIND_TO_HOST, ..._PORT        where to listen [0.0.0.0, 8080]
  SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS  longest time for one request, in seconds [3600]
  SAGEMAKER_MODEL_SERVER_WORKERS          worker processes, each with a model of its own [1]
  SAGEMAKER_MAX_CONCURRENT_INVOCATIONS    requests taken at once; further ones get 503 [number of workers]
  SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT    media type of a response when any will do [application/json]
  SAGEMAKER_SHUTDOWN_GRACE_SECONDS        time for the running request after SIGTERM, in seconds [20]
  SAGEMAKER_WARMUP_REQUEST                a request's body that is run before the server is ready [none]
  SAGEMAKER_METRICS                       on: GET /metrics for Prometheus [off]
  TS_MAX_REQUEST_SIZE                     largest body of a request, in bytes [1073741824]

exit codes:
  0  stopped by SIGTERM or SIGINT
  1  the model cannot be loaded, workers keep dying, or the port is taken
  2  wrong usage or a setting that is not allowed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="serve",
        description="Serve a model over HTTP as SageMaker expects it of a container.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command", nargs="?", choices=["serve"], default="serve", help="what SageMaker passes; may be left out"
    )
    parser.parse_args(arguments)
    try:
        read = settings.read(os.environ)
    except SettingsError as error:
        for problem in error.problems:
            logs.write("setting", level="error", message=problem)
            sys.stderr.write(f"serve: {problem}\n")
        return 2
    from serving import server  # noqa: PLC0415 - --help does not need it

    return server.run(read)


if __name__ == "__main__":
    sys.exit(main())
