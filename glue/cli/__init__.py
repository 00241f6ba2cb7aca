"""The command line: parse, call a use case, print."""

from glue.cli.app import main

__all__ = ["main"]
