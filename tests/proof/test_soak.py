"""Weeks of the service in virtual time, and that the proof of it can fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autotrader.prove.soak import prove_soak

MIB = 1 << 20


def test_half_an_hour_of_the_service_with_a_ban() -> None:
    """It trades, notifies and measures itself; while the exchange has banned it, nothing is sent."""
    figures = prove_soak(0.02, warm_up=0.01).figures
    assert int(figures["orders"]) >= 2
    assert int(figures["bans that the exchange made"]) == 1
    assert (figures["requests during a ban"], figures["answers 429, 418 of our making"]) == (0, 0)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_thirty_days() -> None:
    """30 days: less than 5 MiB more, no file and no thread more, no 429, nothing sent during a ban."""
    proof = prove_soak(30)
    print(*(f"{name:40} {count}" for name, count in proof.figures.items()), sep="\n")  # noqa: T201
    assert proof.holds, [breach.what for breach in proof.breaches]


@pytest.mark.parametrize(
    ("rss", "files", "threads", "inside", "said"),
    [
        (6 * MIB, 0, 0, 0, "memory"),
        (0, 1, 0, 0, "files"),
        (0, 0, 1, 0, "threads"),
        (0, 0, 0, 1, "during a ban"),
        (0, 0, 0, 0, ""),
    ],
)
def test_what_grows_is_said(tmp_path: Path, rss: int, files: int, threads: int, inside: int, said: str) -> None:
    """Memory, files, threads and requests during a ban each break the proof; nothing of it lets it hold."""
    lines = [
        {"days": day, "rss": 90 * MIB + rss * day // 10, "files": 9 + files * (day > 5), "threads": 3, "records": 1}
        for day in range(11)
    ]
    lines[-1]["threads"] += threads
    end = {"statuses": {"200": 5}, "bans": 1, "made": 1, "inside": inside}
    script = tmp_path / "told.py"
    script.write_text(f"print({chr(10).join(json.dumps(line) for line in (*lines, end))!r})", encoding="utf-8")
    breaches = prove_soak(10, warm_up=0.0, command=(sys.executable, str(script))).breaches
    assert [said in breach.what for breach in breaches] == ([True] if said else [])
