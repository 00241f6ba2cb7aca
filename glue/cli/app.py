"""The `glue` command that all others are added to."""

from typing import Annotated

import typer

from glue import __version__

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
