"""The `glue` program: how it runs, and how a failure ends it."""

import json
import signal
import sys

import typer

from glue.cli import commands  # noqa: F401 - importing it registers them
from glue.cli.app import app
from glue.cli.output import say
from glue.errors import FailedError, GlueError, MissingError, UsageError


def main() -> None:
    """Run `glue` and exit with the code that the command line promises: 0, 1, 2 or 3 (130 after Ctrl-C)."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except GlueError as error:
        _report(error)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise SystemExit(130) from None
    except Exception as error:
        known = _file_error(error) if isinstance(error, OSError) else _client_error(error)
        if known is None:
            raise
        _report(known)
        raise SystemExit(known.exit_code) from None


def _interrupt(*_: object) -> None:
    # SIGTERM ends a command the way Ctrl-C does: what is under way is cleaned up.
    raise KeyboardInterrupt


def _report(error: GlueError) -> None:
    if "--json" in sys.argv:
        facts = {"message": error.message, "hints": list(error.hints), "exit_code": error.exit_code, **error.details}
        typer.echo(json.dumps({"error": facts}, indent=2))
    say(error)


def _file_error(error: OSError) -> GlueError | None:
    """What a file that cannot be read or written means for the user, or None when it is about no file."""
    if error.filename is None:
        return None
    message = f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | PermissionError):
        return UsageError(message)
    return FailedError(message)


def _client_error(error: Exception) -> GlueError | None:
    """What an AWS client's exception means for the user, or None when it is not one."""
    if not type(error).__module__.startswith(("botocore.", "boto3.")):
        return None
    from botocore import exceptions

    if isinstance(
        error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.ProfileNotFound
    ):
        return MissingError(
            f"no AWS credentials: {error}", hints=["aws configure sso, or set AWS_PROFILE", "glue doctor"]
        )
    if isinstance(error, exceptions.HTTPClientError):
        return MissingError(f"AWS cannot be reached: {error}", hints=["glue doctor"])
    return FailedError(f"AWS refused: {error}")
