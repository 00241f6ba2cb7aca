"""The command line: parse, call a use case, print."""

from glue.cli.program import main

__all__ = ["main"]
