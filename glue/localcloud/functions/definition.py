"""A function as it is defined now, and what moto's Lambda does not keep of a definition."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends

from glue.localcloud.accounts import Scope

MAX_EVENT_AGE = 21600
MAX_RETRIES = 2
_KEPT = ("DeadLetterConfig", "KMSKeyArn", "TracingConfig")


@dataclass(frozen=True)
class Definition:
    """All that running a function takes. Times in seconds, memory in MB; `concurrency` is None when none is reserved.

    `dead_letters` is the ARN of a queue or topic. https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    """

    scope: Scope
    name: str
    arn: str
    runtime: str
    handler: str
    code: bytes
    variables: Mapping[str, str]
    timeout: int
    memory: int
    concurrency: int | None
    max_retries: int
    max_event_age: int
    dead_letters: str | None

    @property
    def revision(self) -> str:
        """Differs when an execution environment of one definition must not run another."""
        identity = (self.runtime, self.handler, sorted(self.variables.items()), self.timeout, self.memory)
        return hashlib.sha256(self.code + repr(identity).encode()).hexdigest()


def definition(scope: Scope, name_or_arn: str) -> Definition | None:
    """The function of that name or ARN (with or without a qualifier) as it is now; None when there is none."""
    backend = lambda_backends[scope.account][scope.region]
    name = name_or_arn.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
    try:
        found = backend.get_function(name)
    except Exception:  # noqa: BLE001 - moto's error for a function that is not there
        return None
    config = found.event_invoke_config[0].config if found.event_invoke_config else {}
    return Definition(
        scope=scope,
        name=found.function_name,
        arn=found.function_arn,
        runtime=found.run_time or "",
        handler=found.handler or "",
        code=getattr(found, "code_bytes", b""),
        variables=dict(found.environment_vars),
        timeout=int(found.timeout),
        memory=int(found.memory_size),
        concurrency=None if found.reserved_concurrency is None else int(found.reserved_concurrency),
        max_retries=config.get("MaximumRetryAttempts", MAX_RETRIES),
        max_event_age=config.get("MaximumEventAgeInSeconds", MAX_EVENT_AGE),
        dead_letters=(getattr(found, "dead_letter_config", None) or {}).get("TargetArn"),
    )


def install() -> None:
    """Make moto keep what it drops: where dead letters go, and changes of key, tracing and retries."""
    create, describe = LambdaFunction.__init__, LambdaFunction.get_configuration
    update, put_retries = LambdaFunction.update_configuration, LambdaBackend.put_function_event_invoke_config

    def construct(function: Any, account_id: str, spec: dict[str, Any], *arguments: Any, **options: Any) -> None:
        create(function, account_id, spec, *arguments, **options)
        _keep(function, spec)

    def get_configuration(function: Any, on_create: bool = False) -> dict[str, Any]:
        document: dict[str, Any] = describe(function, on_create)
        dead_letters = getattr(function, "dead_letter_config", None)
        return document | ({"DeadLetterConfig": dead_letters} if dead_letters else {})

    def update_configuration(function: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        _keep(function, config_updates)
        changed: dict[str, Any] = update(function, config_updates)
        return changed

    def put_function_event_invoke_config(backend: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        backend.get_function(function_name).event_invoke_config = []  # moto would go on answering the first
        changed: dict[str, Any] = put_retries(backend, function_name, config)
        return changed

    LambdaFunction.__init__ = construct
    LambdaFunction.get_configuration = get_configuration
    LambdaFunction.update_configuration = update_configuration
    LambdaBackend.put_function_event_invoke_config = put_function_event_invoke_config


def _keep(function: Any, spec: Mapping[str, Any]) -> None:
    names = dict(zip(_KEPT, ("dead_letter_config", "kms_key_arn", "tracing_config"), strict=True))
    for key, name in names.items():
        if key in spec:
            setattr(function, name, spec[key])
