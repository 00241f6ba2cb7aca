"""How long `glue --help` takes, as a ratio to importing typer alone."""

import argparse
import statistics
import sys
from pathlib import Path

from timing import compare

LIMIT = 3.0


def main() -> int:
    """Print the ratio beside the limit that it should keep; with `--strict`, exit 1 when it does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each (default: %(default)s)")
    parser.add_argument("--strict", action="store_true", help="exit 1 when the ratio is above the limit")
    arguments = parser.parse_args()
    runs = arguments.runs
    glue = str(Path(sys.executable).with_name("glue"))
    found = compare([glue, "--help"], [sys.executable, "-c", "import typer"], runs=runs)
    print(f"glue --help                {statistics.median(found.seconds) * 1000:7.0f} ms (median of {runs})")
    print(f'python -c "import typer"   {statistics.median(found.reference_seconds) * 1000:7.0f} ms')
    print(f"ratio                      {found.ratio:7.2f}    (limit {LIMIT})")
    return int(arguments.strict and found.ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
