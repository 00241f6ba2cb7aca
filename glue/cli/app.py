"""The `glue` program: its commands, and how a failure ends it."""

import json
import signal
import sys
from typing import Annotated

import typer

from glue import __version__
from glue.errors import GlueError

app = typer.Typer(
    name="glue",
    help="From a slow model to a verified, scale-to-zero SageMaker Asynchronous Inference endpoint.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


def main() -> None:
    """Run `glue` and exit with the code that the command line promises: 0, 1, 2 or 3 (130 after Ctrl-C)."""
    from glue.cli import commands  # noqa: F401 - registers them

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
        known = _client_error(error)
        if known is None:
            raise
        _report(known)
        raise SystemExit(known.exit_code) from None


def _interrupt(*_: object) -> None:
    # SIGTERM ends a command the way Ctrl-C does: what is under way is cleaned up.
    raise KeyboardInterrupt


def _report(error: GlueError) -> None:
    if "--json" in sys.argv:
        document = {"error": {"message": error.message, "hints": list(error.hints), "exit_code": error.exit_code}}
        typer.echo(json.dumps(document, indent=2))
    typer.echo(f"error: {error.message}", err=True)
    for hint in error.hints:
        typer.echo(f"  try: {hint}", err=True)


def _client_error(error: Exception) -> GlueError | None:
    """What an AWS client's exception means for the user, or None when it is not one."""
    if not type(error).__module__.startswith(("botocore.", "boto3.")):
        return None
    from botocore import exceptions

    from glue.errors import FailedError, MissingError

    if isinstance(
        error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.ProfileNotFound
    ):
        return MissingError(
            f"no AWS credentials: {error}", hints=["aws configure sso, or set AWS_PROFILE", "glue doctor"]
        )
    if isinstance(error, exceptions.HTTPClientError):
        return MissingError(f"AWS cannot be reached: {error}", hints=["glue doctor"])
    return FailedError(f"AWS refused: {error}")
