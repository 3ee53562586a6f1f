"""Run the benchmarks and print their table: `python3 dev.py bench [--tiny] [NAME ...]`."""

from __future__ import annotations

import argparse
import sys

from benchmarks import deciding, keeping, loading, playing, requesting, restarting, starting
from benchmarks.measure import HEAD, TINY, Size

BENCHMARKS = {
    "starting": starting.rows, "loading": loading.rows, "deciding": deciding.rows, "requesting": requesting.rows,
    "keeping": keeping.rows, "restart": restarting.rows, "playing": playing.rows,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Measure and print; a benchmark that finds something wrong raises."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description="Benchmarks; see benchmarks/README.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that everything runs")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    print(HEAD, flush=True)
    for name in options.names or BENCHMARKS:
        for row in BENCHMARKS[name](TINY if options.tiny else Size()):
            print(row.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
