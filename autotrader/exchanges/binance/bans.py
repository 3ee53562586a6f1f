"""The venue's bans, kept in a file: they hold for this machine's address, whichever store or command asks next.

The file is small and rewritten whole. What cannot be read is no ban; what cannot be written is only lost at a restart.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from autotrader.exchanges.strict_json import BadJson, parse
from autotrader.exchanges.venue import Parked


class BanFile:
    """The ban of one host, beside those of others in one file."""

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin
        self._lock = threading.Lock()

    def read(self) -> Parked | None:
        """The ban that was last kept, over or not; None where there is none that makes sense."""
        row = self._rows().get(self._origin)
        if not isinstance(row, dict):
            return None
        until, reason = row.get("until_ms"), row.get("reason")
        if not isinstance(until, int) or not isinstance(reason, str):
            return None
        return Parked(until, reason)

    def write(self, parked: Parked) -> None:
        """Keep a ban."""
        with self._lock, suppress(OSError):
            rows = self._rows() | {self._origin: {"until_ms": parked.until_ms, "reason": parked.reason}}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(f".{os.getpid()}.new")
            beside.write_text(json.dumps(rows, indent=1), "utf-8")
            beside.replace(self._path)

    def _rows(self) -> dict[str, Any]:
        try:
            rows = parse(self._path.read_bytes())
        except (OSError, BadJson):
            return {}
        return rows if isinstance(rows, dict) else {}
