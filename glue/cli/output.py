"""What commands print: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.status import Status

    from glue.errors import GlueError

EnvOption = Annotated[str, typer.Option("--env", "-e", help="The environment: a profile's name.", envvar="GLUE_ENV")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


_UNFOLDED = 1000
"""Columns where there is no terminal: what is piped is searched and copied, so that no digest may be folded."""


def console(*, stderr: bool = False) -> "Console":
    """A terminal to print on; plain text with whole lines where it is none."""
    from rich.console import Console

    piped = not (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, soft_wrap=piped, width=_UNFOLDED if piped else None)


def emit(document: Any, text: "RenderableType | None", *, as_json: bool) -> None:
    """Print a command's result: `document` for programs, or `text` for people."""
    if as_json:
        typer.echo(json.dumps(document, indent=2, default=str))
    elif text is not None:
        console().print(text)


def say(error: "GlueError") -> None:
    """Print on standard error what failed, and what to do next."""
    typer.echo(f"error: {error.message}", err=True)
    for hint in error.hints:
        typer.echo(f"  → {hint}", err=True)


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "RenderableType":
    """A table for people."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    result = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return result


def confirm(question: str, *, otherwise: str) -> bool:
    """Ask a yes-or-no question on the terminal.

    Raises:
        UsageError: there is no terminal to ask on; `otherwise` says which option answers in its place.
    """
    from glue.errors import UsageError

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} There is no terminal to ask on.", hints=[otherwise])
    return typer.confirm(question, err=True)


class Progress:
    """A reporter that prints steps on standard error, with a moving line for the current one on a terminal."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._status: Status | None = None

    def step(self, text: str) -> None:
        """Print that a step starts."""
        self._stop()
        self._console.print(f"[bold cyan]→[/] {_plain(text)}")

    def note(self, text: str) -> None:
        """Print a fact below the current step."""
        self._stop()
        self._console.print(f"  {_plain(text)}", style="dim")

    def progress(self, text: str, done: float, total: float | None) -> None:
        """Move the line of the current step; on something that is no terminal, say nothing."""
        if not self._console.is_terminal:
            return
        count = f"{done:g}" if total is None else f"{done:g}/{total:g}"
        line = f"{_plain(text)} [dim]{count}[/]"
        if self._status is None:
            self._status = self._console.status(line)
            self._status.start()
        else:
            self._status.update(line)
        if total is not None and done >= total:
            self._stop()

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
