"""One target under atheris, in the environment that `run` has made: `child.py TARGET FOUND LIBFUZZER_ARGUMENT …`.

A finding does not end the run: its input is kept under the hash of its content, one for each kind of finding.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.mutate import mutated


class Kept:
    """A target whose findings are written down, one input for each kind, in place of ending the run."""

    def __init__(self, name: str, target: Callable[[bytes], None], folder: Path) -> None:
        self.name, self.target, self.folder = name, target, folder
        self.seen: set[str] = set()

    def __call__(self, data: bytes) -> None:
        try:
            self.target(data)
        except Exception as error:  # noqa: BLE001 - whatever comes is a finding
            from tests.fuzz.targets import signature

            what = signature(error)
            if what in self.seen:
                return
            self.seen.add(what)
            path = self.folder / f"{self.name}-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            sys.stderr.write(f"FINDING {path.name} {what}\n")


def main(name: str, folder: Path, arguments: list[str]) -> None:
    """Fuzz until libFuzzer has had enough."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # of the fuzzer's own environment

    with atheris.instrument_imports(include=["autotrader.language", "autotrader.exchanges.binance"]):
        from tests.fuzz.targets import TARGETS

    def change(data: bytes, most: int, seed: int) -> bytes:
        """Two in three replies are changed as JSON, everything else as bytes."""
        made = mutated(data, seed) if name == "reply" and seed % 3 else None
        found: bytes = made if made is not None and len(made) <= most else atheris.Mutate(data, most)
        return found

    atheris.Setup([sys.argv[0], *arguments], Kept(name, TARGETS[name], folder), custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
