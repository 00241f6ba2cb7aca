"""Settings, read from the environment variables that SageMaker's own toolkit uses."""

from collections.abc import Iterator, Mapping
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
_MEGABYTES_NAME = MAX_REQUEST_NAMES[-1]  # SageMaker's toolkit multiplies it by 1024 * 1024

_IGNORED = {
    "SAGEMAKER_MODEL_SERVER_VMARGS": "there is no Java machine",
    "SAGEMAKER_STARTUP_TIMEOUT": "the platform limits how long a model may load, and this server never gives up before",
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

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def first(self, names: tuple[str, ...]) -> str:
        """The first of `names` that is set; the first of all when none is."""
        return next((name for name in names if self.text(name, "")), names[0])

    def number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name, str(default))
        # isdecimal() alone takes the digits of other scripts, which int() would read too.
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
        if not low <= value <= high:
            self.problems.append(f"{name}={text!r} is not allowed: a whole number from {low} to {high}")
            return default
        return value

    def request_limit(self) -> tuple[int, str]:
        """The largest body of a request in bytes, and the variable that sets it."""
        name = self.first(MAX_REQUEST_NAMES)
        if name != _MEGABYTES_NAME:
            return self.number(name, MAX_REQUEST_BYTES, 1, MAX_REQUEST_BYTES), name
        return self.number(name, MAX_REQUEST_BYTES >> 20, 1, MAX_REQUEST_BYTES >> 20) << 20, name

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
    timeout_name = reader.first(TIMEOUT_NAMES)
    timeout = reader.number(timeout_name, 3600, 1, 86400)
    workers = reader.number(reader.first(WORKERS_NAMES), 1, 1, 64)
    max_request_bytes, max_request_name = reader.request_limit()
    reader.only("SAGEMAKER_MULTI_MODEL", "false", "a server has one model")
    warmup = reader.text("SAGEMAKER_WARMUP_REQUEST", "")
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
        warmup=base / "model" / warmup if warmup else None,
        metrics=reader.switch("SAGEMAKER_METRICS"),
        warnings=(
            *_timeout_warnings(environ, timeout_name, timeout),
            *_other_warnings(environ, max_request_name, max_request_bytes),
        ),
    )
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def _timeout_warnings(environ: Mapping[str, str], name: str, timeout: int) -> tuple[str, ...]:
    """What was read from a name of another server, in which unit, and what was passed over."""
    warnings: list[str] = []
    if name != TIMEOUT_NAMES[0]:
        unit = "the SageMaker inference toolkit reads minutes" if "MODEL_SERVER" in name else "as TorchServe does"
        warnings.append(
            f"the timeout of a request is {timeout} seconds, read from {name} (this server reads seconds, {unit}); "
            f"{TIMEOUT_NAMES[0]} says so by its name"
        )
    warnings += [
        f"{other}={environ[other]} is not used: {name}={timeout} comes first"
        for other in TIMEOUT_NAMES
        if other != name and environ.get(other, "").strip() not in {"", str(timeout)}
    ]
    return tuple(warnings)


def _other_warnings(environ: Mapping[str, str], name: str, limit: int) -> Iterator[str]:
    """What was read in a unit of its own, and what has no meaning here."""
    if name == _MEGABYTES_NAME:
        yield f"the largest body of a request is {limit} bytes, read from {name} (in units of 1048576 bytes)"
    yield from (
        f"{ignored} is not used: {why}" for ignored, why in _IGNORED.items() if environ.get(ignored, "").strip()
    )
