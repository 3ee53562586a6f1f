"""One side of a comparison: answers cases in its own process, with the code that its doors lead to.

    python side.py DOORS        cases as JSON lines on stdin, answers as JSON lines on stdout

Run as a script with PYTHONPATH at the checkout to try; it knows the package only through the file DOORS
(tests/pins/doors.py of that checkout, or one that speaks like it).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any


def _doors(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("doors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["doors"] = module
    spec.loader.exec_module(module)
    return module


def loaded(doors: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Problems of the files, and hashes where there is a plan."""
    answer: dict[str, Any] = {"problems": doors.problems_of(case["account"], case["texts"])}
    try:
        answer["hashes"] = doors.hashes_of(case["account"], case["texts"])
    except ValueError:
        answer["hashes"] = None
    return answer


def played(doors: Any, case: dict[str, Any]) -> dict[str, Any]:
    """What the exchange heard and what the store holds after some minutes of trading."""
    requests: list[str] = []

    def hear(now_ms: int, method: str, path: str, query: bytes, body: bytes, _headers: object) -> None:
        if not path.startswith("/simulator/"):
            text = (query + b"|" + body).decode().partition("&signature=")
            requests.append(f"{now_ms} {method} {path} {text[0]}")

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules").mkdir(mode=0o700)
        for path, text in ({"autotrader.yaml": case["account"]} | case["texts"]).items():
            (folder / path).write_text(text, encoding="utf-8")
            (folder / path).chmod(0o600)
        with doors.recording(case["balances"], case["symbols"], seed=case["seed"]) as sim:
            sim.heard = hear
            where = doors.Place(folder=folder, live=case["live"], world="simulator:compare")
            with doors.day(sim, where) as day:
                day.play(case["minutes"] / 60)
                told, store = list(day.told), day.store
        return {"requests": requests, "told": told, **_kept(store)}


def _kept(store: Path) -> dict[str, list[str]]:
    """The store's rows: acts without their hashes, evaluations unpacked, states, runs, intents, orders, fills."""
    db = sqlite3.connect(store / "records.db")
    found: dict[str, list[str]] = {
        "acts": [
            json.dumps(row)
            for row in db.execute("SELECT n, time_ms, kind, subject, body FROM chain ORDER BY n")
            if row[2] not in {"evaluations", "closed"}
        ],
        "evaluations": [
            f"{cycle} {time_ms} {plan} {zlib.decompress(body).decode()}"
            for cycle, time_ms, plan, body in db.execute("SELECT * FROM evaluations ORDER BY cycle")
        ],
    }
    for table in ("states", "runs", "settings", "intents", "cancels", "orders", "fills"):
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        rows = db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 - names of the list above
        found[table] = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    db.close()
    return found


def main() -> None:
    """Answer until the input ends. What a case raises is its answer."""
    doors = _doors(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that is printed meanwhile is taken for an answer
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answer = {"load": loaded, "play": played}[case["kind"]](doors, case)
        except Exception as error:  # noqa: BLE001 - compared like any other answer
            answer = {"raised": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
