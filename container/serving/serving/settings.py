"""Settings, read from the environment variables that SageMaker's own toolkit uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.errors import SettingsError

TIMEOUT_NAMES = (
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    "MODEL_SERVER_TIMEOUT",
    "TS_DEFAULT_RESPONSE_TIMEOUT",
)
"""The first is the setting; the others are what other servers call it. The first one that is set counts."""

WORKERS_NAMES = ("SAGEMAKER_MODEL_SERVER_WORKERS", "MODEL_SERVER_WORKERS", "TS_DEFAULT_WORKERS_PER_MODEL")
MAX_REQUEST_NAMES = ("TS_MAX_REQUEST_SIZE", "MMS_MAX_REQUEST_SIZE", "SAGEMAKER_MAX_PAYLOAD_IN_MB")

_MINUTES = " (this server reads seconds, the SageMaker inference toolkit reads minutes)"
_REMARKS = {
    "SAGEMAKER_MODEL_SERVER_TIMEOUT": _MINUTES,
    "MODEL_SERVER_TIMEOUT": _MINUTES,
    "TS_DEFAULT_RESPONSE_TIMEOUT": " (in seconds, as TorchServe does)",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB": " (in units of 1048576 bytes)",
}
_UNITS = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": 1 << 20}
"""What one of a number is, where that is not one: SageMaker's toolkit multiplies by 1024 * 1024."""

_IGNORED = {
    "SAGEMAKER_MODEL_SERVER_VMARGS": "there is no Java machine",
    "SAGEMAKER_STARTUP_TIMEOUT": "the platform limits how long a model may load, and this server never gives up before",
    "SAGEMAKER_SAFE_PORT_RANGE": "no port is used besides SAGEMAKER_BIND_TO_PORT",
    "SAGEMAKER_CONTAINER_LOG_LEVEL": "the log has every event, each with its level",
}

MAX_REQUEST_BYTES = 1 << 30
"""SageMaker's limit for an asynchronous input, 1 GB."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server was told. Times are in seconds, sizes in bytes."""

    host: str
    port: int
    model_dir: Path
    program: str
    submit_dir: Path
    default_accept: str
    workers: int
    slots: int
    timeout: int
    timeout_name: str
    max_request_bytes: int
    max_request_name: str
    grace: int
    warmup: Path | None
    metrics: bool
    warnings: tuple[str, ...]
    client_silence: float = 75
    """Seconds after which a client that neither sends nor takes anything is given up."""

    @property
    def search_paths(self) -> tuple[Path, ...]:
        """Folders in which the handler is looked for, in order."""
        return tuple(dict.fromkeys((self.submit_dir, self.model_dir / "code")))


class _Reader:
    """Reads variables, collecting every problem before any is reported."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name, str(default))
        # isdecimal() alone takes the digits of other scripts, which int() would read too.
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
        if not low <= value <= high:
            self.problems.append(f"{name}={text!r} is not allowed: a whole number from {low} to {high}")
            return default
        return value

    def named(self, names: tuple[str, ...], meaning: str, default: int, high: int) -> tuple[int, str]:
        """The number in the first of `names` that is set, and that name; with a warning unless it is the setting's own.

        `meaning` has a place for the number.
        """
        name = next((name for name in names if self.text(name, "")), names[0])
        unit = _UNITS.get(name, 1)
        value = self.number(name, default // unit, 1, high // unit) * unit
        if name != names[0]:
            read = f"{meaning.format(value)}, read from {name}{_REMARKS.get(name, '')}"
            self.warnings.append(f"{read}; the setting's own name is {names[0]}")
        for other in names:
            if (text := self.text(other, "")) not in {"", self.text(name, "")}:
                self.warnings.append(f"{other}={text} is not used: {name}={self.text(name, '')} comes first")
        return value, name

    def ignored(self, names: Mapping[str, str]) -> None:
        self.warnings += [f"{name} is not used: {why}" for name, why in names.items() if self.text(name, "")]

    def switch(self, name: str) -> bool:
        text = self.text(name, "off")
        if text not in {"on", "off"}:
            self.problems.append(f"{name}={text!r} is not allowed: on or off")
        return text == "on"

    def only(self, name: str, value: str, why: str) -> None:
        if (text := self.text(name, value)) != value:
            self.problems.append(f"{name}={text!r} is not allowed: {value}, or unset; {why}")

    def folder(self, name: str, default: Path) -> Path:
        text = self.text(name, str(default))
        if "://" in text:
            self.problems.append(f"{name}={text!r} is not allowed: a folder of this machine; nothing is downloaded")
        return Path(text).absolute()

    def file_below(self, name: str, folder: Path) -> Path | None:
        text = self.text(name, "")
        if Path(text).is_absolute() or ".." in Path(text).parts:
            self.problems.append(
                f"{name}={text!r} is not allowed: a file below {folder}, relative to it and without .."
            )
        return folder / text if text else None

    def program(self, name: str, default: str) -> str:
        text = self.text(name, default)
        path = Path(text if text.endswith(".py") else f"{text}.py")
        if path.is_absolute() or not all(part.isidentifier() for part in path.with_suffix("").parts):
            self.problems.append(
                f"{name}={text!r} is not allowed: the path of a Python module relative to SAGEMAKER_SUBMIT_DIRECTORY, "
                "such as inference.py"
            )
        return str(path)


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from `environ`; an empty variable counts as unset.

    Raises:
        SettingsError: values that are not allowed, each with the variable, the value and what is allowed.
    """
    reader = _Reader(environ)
    base = reader.folder("SAGEMAKER_BASE_DIR", Path("/opt/ml"))
    timeout, timeout_name = reader.named(TIMEOUT_NAMES, "the timeout of a request is {} seconds", 3600, 86400)
    workers, _ = reader.named(WORKERS_NAMES, "the worker processes are {}", 1, 64)
    max_request_bytes, max_request_name = reader.named(
        MAX_REQUEST_NAMES, "the largest body of a request is {} bytes", MAX_REQUEST_BYTES, MAX_REQUEST_BYTES
    )
    reader.only("SAGEMAKER_MULTI_MODEL", "false", "a server has one model")
    reader.ignored(_IGNORED)
    settings = Settings(
        host=reader.text("SAGEMAKER_BIND_TO_HOST", "0.0.0.0"),  # noqa: S104 - a container is reached from outside
        port=reader.number("SAGEMAKER_BIND_TO_PORT", 8080, 0, 65535),
        model_dir=base / "model",
        program=reader.program("SAGEMAKER_PROGRAM", "inference.py"),
        submit_dir=reader.folder("SAGEMAKER_SUBMIT_DIRECTORY", base / "model" / "code"),
        default_accept=reader.text("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json"),
        workers=workers,
        slots=reader.number("SAGEMAKER_MAX_CONCURRENT_INVOCATIONS", workers, 1, 1000),
        timeout=timeout,
        timeout_name=timeout_name,
        max_request_bytes=max_request_bytes,
        max_request_name=max_request_name,
        grace=reader.number("SAGEMAKER_SHUTDOWN_GRACE_SECONDS", 20, 0, 20),
        warmup=reader.file_below("SAGEMAKER_WARMUP_REQUEST", base / "model"),
        metrics=reader.switch("SAGEMAKER_METRICS"),
        warnings=tuple(reader.warnings),
    )
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings
