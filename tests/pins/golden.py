"""Golden files: what was seen once, compared with what is seen now, and written anew only on purpose.

    python -m tests.pins.golden        write them all anew (read the difference before you commit it)

Masked are the port, the folder and the key of the exchange of this run, and signatures; nothing else.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
WRITING = "PINS_WRITE"
_MASKS = (
    (re.compile(r"127\.0\.0\.1(:|%3A)\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(live|dry-run)-127\.0\.0\.1-\d+-[0-9a-f]{8}"), r"\1-STORE"),
    (re.compile(r"signature=[0-9a-f]{64}"), "signature=SIGNATURE"),
    (re.compile(r"answers in \d+ ms"), "answers in TIME"),
    (re.compile(r"(Python|TA-Lib|numpy) \d[\w.]*"), r"\1 VERSION"),
    (re.compile(r"disk: [\d.]+ \w+ free"), "disk: SIZE free"),
    (re.compile(r"at-plan-[a-z2-7]{26}"), "at-plan-NOW"),  # `plan` names what it would place now, to the millisecond
)


def masked(text: str, **names: str) -> str:
    """A text without what each run draws anew; `names` are masked under their own name: `FOLDER=/tmp/x`."""
    for name, value in sorted(names.items(), key=lambda item: -len(item[1])):
        if Path(value).is_absolute():  # files are named from where one stands: in the checkout, anywhere
            text = text.replace(os.path.relpath(value), name)
        text = text.replace(value, name)
    for pattern, put in _MASKS:
        text = pattern.sub(put, text)
    return text


def assert_golden(name: str, lines: Sequence[str]) -> None:
    """The lines are those of the golden file; the first that differs is shown between its neighbours."""
    path = FOLDER / name
    if os.environ.get(WRITING):
        _write(path, lines)
    kept = _read(path)
    for number, (line, was) in enumerate(zip(lines, kept, strict=False)):
        if line != was:
            before = "\n".join(kept[max(0, number - 3) : number])
            raise AssertionError(f"{name}, line {number + 1}\n{before}\n- {was[:2000]}\n+ {line[:2000]}")
    assert len(lines) == len(kept), f"{name}: {len(lines)} lines, golden {len(kept)}"


def assert_golden_json(name: str, value: Any) -> None:
    """The same for a JSON value."""
    assert_golden(name, json.dumps(value, indent=1, ensure_ascii=True).split("\n"))


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    data = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, 9, mtime=0)
    path.write_bytes(data)


def _read(path: Path) -> list[str]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode().removesuffix("\n").split("\n")


def main() -> int:
    """Write every golden file anew."""
    import pytest

    os.environ[WRITING] = "1"
    return int(pytest.main(["-q", "-p", "no:xdist", str(Path(__file__).parent)]))


if __name__ == "__main__":
    sys.exit(main())
