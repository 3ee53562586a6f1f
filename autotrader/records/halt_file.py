"""The halt file: a halt that works without the database, and that people and scripts can make with `echo`.

`reduce_only: a reason` is that level; whatever else the file holds, or nothing at all, stops every order: what cannot
be read is not taken for leave to go on.
"""

from __future__ import annotations

import os
from pathlib import Path

from autotrader.engine.halt import Halt, HaltLevel, stronger
from autotrader.errors import ConfigError
from autotrader.records.places import HALT_FILE


def read_halt_file(folder: Path) -> Halt | None:
    """What the halt file says, None where there is none. `reduce_only: a reason` is that level; any other text, none at
    all, half of one or what cannot be read stops every order.
    """
    path = f"{folder}/{HALT_FILE}"
    try:
        os.lstat(path)  # asked many times in a cycle, and a tenth of the price of opening what is not there
        text = Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Halt(f"the halt file cannot be read: {error.strerror}")
    word, colon, reason = text.partition(": ")
    if colon and word in set(HaltLevel):
        return Halt(reason[:500], HaltLevel(word))
    return Halt(text[:500] or f"the file {HALT_FILE} is present")


def write_halt_file(folder: Path, halt: Halt) -> None:
    """Make the halt file, unless there is one as strong: works without the database. Raises ConfigError."""
    there = read_halt_file(folder)
    if there is not None and stronger(there, halt) is there:
        return
    try:
        (folder / HALT_FILE).write_text(f"{halt.level}: {halt.reason}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the halt file in {folder} cannot be written: {error.strerror}") from error
