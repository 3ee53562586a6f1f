"""`python3 dev.py house`: the figures of the house. `--check` says only what is more than `house.toml` allows.

`--walks` and `--changes` ask for one part alone, `--list` names every place that the counts are made of.
"""

from __future__ import annotations

import sys

from tests.house.measures import allowed, imports, names, table
from tests.house.measures.source import read

FLAGS = ("--sizes", "--walks", "--changes", "--check", "--list")


def check() -> int:
    """What is more than allowed, on the error stream; 1 where anything is."""
    more, less = allowed.judged(read(), allowed.read_house())
    print(*more, *less, sep="\n", file=sys.stderr)
    return 1 if more else 0


def listed() -> int:
    """Every place behind the counts."""
    modules, house = read(), allowed.read_house()
    parts = allowed.found_in(modules, house.hooks)
    parts["forwarders"] = names.forwarders(modules)
    parts["named in one place"] = names.callers(modules)[0]
    parts["near-equal dataclasses"] = [f"{a} ~ {b}: {count} fields" for a, b, count in names.near_equal(modules)]
    parts["function-local imports without a reason"] = [
        f"{one.path}:{one.line} {one.what}" for one in imports.local_imports(modules) if not one.reason
    ]
    for name, places in parts.items():
        print(f"\n{name}: {len(places)}", *places, sep="\n  ")
    return 0


def main(flags: list[str]) -> int:
    """Print what the flags ask for; everything where there are none."""
    wrong = [flag for flag in flags if flag not in FLAGS]
    if wrong:
        print(f"house: no flag {wrong[0]!r}; there are {' '.join(FLAGS)}", file=sys.stderr)
        return 2
    if "--check" in flags:
        return check()
    if "--list" in flags:
        return listed()
    took, rows = table.seconds(), []
    if not flags or "--sizes" in flags:
        modules = read()
        rows += [*table.size_rows(modules), *table.name_rows(modules, allowed.read_house())]
    if not flags or "--walks" in flags:
        from tests.house.measures.roads import ROADS  # starts the product: not wanted for sizes alone

        rows += table.walk_rows(ROADS)
    if not flags or "--changes" in flags:
        rows += table.change_rows()
    print(table.printed(rows), f"\n({took()})", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
