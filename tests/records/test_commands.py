"""`audit`, `trades` and `orders`: the records as people, programs and bookkeepers read them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autotrader.cli import main
from autotrader.orders import OrderRequest, Rejected, SubmitResult, Unknown
from autotrader.records.canon import canonical, genesis, row_hash
from tests.worlds.desk import Desk, desk
from tests.worlds.venue import Venue

Out = pytest.CaptureFixture[str]


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    """A store with a partly filled order, a refused one and one of unknown fate; it stays open, as in a service."""
    made = desk(tmp_path / "state" / "live-here-0")
    made.send(1, rule="dip", cancel_after_ms=3_600_000)
    made.venue.fill(1001, "0.0005", "0.00000012")
    made.observe()

    def refuse(venue: Venue, request: OrderRequest) -> SubmitResult:
        return Rejected(-2010, "Account has insufficient balance for requested action.")

    def lose(venue: Venue, request: OrderRequest) -> SubmitResult:
        return Unknown("no reply")

    made.venue.on_submit = [refuse, lose]
    made.send(2, rule="crash")
    made.send(3, rule="grid")
    return made


def run(at: Desk, *words: str) -> int:
    return main([*words, "--state", str(at.folder.parent)])


def test_trades_as_csv_for_the_books(at: Desk, capsys: Out) -> None:
    """Time in Japan, yen, fee with its asset, order and rule: one line a trade, as spreadsheets read it."""
    assert run(at, "trades", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 1
    row = rows[0]
    assert (row["time_jst"], row["quote_jpy"], row["fee"]) == ("2026-01-15 16:00:00", "7500", "0.00000012")
    assert (row["fee_asset"], row["rule"], row["order_id"]) == ("BNB", "dip", "1001")


def test_trades_as_text_and_json(at: Desk, capsys: Out) -> None:
    """The same trade for people and for programs."""
    assert run(at, "trades") == 0
    assert "¥15,000,000" in capsys.readouterr().out
    assert run(at, "trades", "--format", "json", "--since", "2026-01-15") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [trade["price"] for trade in shown["trades"]] == ["15000000"]
    assert run(at, "trades", "--since", "2026-01-15T16:00:01") == 0
    assert capsys.readouterr().out == "no trades\n"


def test_a_time_that_is_none(at: Desk, capsys: Out) -> None:
    """A `--since` that cannot be read is a usage error with the ways to write it."""
    assert run(at, "trades", "--since", "yesterday") == 2
    assert "7d" in capsys.readouterr().err


def test_orders_shows_what_may_still_trade(at: Desk, capsys: Out) -> None:
    """Open orders and those of unknown fate by default; the refused one with --all."""
    assert run(at, "orders", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)["orders"]
    assert {(row["rule"], row["state"]) for row in rows} == {("dip", "PARTIALLY_FILLED"), ("grid", "UNKNOWN")}
    assert run(at, "orders", "--all") == 0
    text = capsys.readouterr().out
    assert "REJECTED: -2010" in text
    assert "17:00:00 JST" in text


def test_verify_says_whole_and_finds_damage(at: Desk, capsys: Out) -> None:
    """Exit 0 and the head for a whole chain; exit 1 and the record for an altered one."""
    assert run(at, "audit", "verify") == 0
    assert "chain whole, head" in capsys.readouterr().out
    at.store.close()
    with closing(sqlite3.connect(at.folder / "records.db", isolation_level=None)) as db:
        db.execute("UPDATE chain SET body = replace(body, '15000000', '14000000') WHERE kind = 'fill'")
    assert run(at, "audit", "verify", "--format", "json") == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["exit_code"], shown["whole"], shown["problems"][0]["what"]) == (1, False, "altered")
    assert run(at, "audit", "verify") == 1
    assert "altered, expected" in capsys.readouterr().out


def test_show_narrows_to_one_order(at: Desk, capsys: Out) -> None:
    """The life of one order, act by act, from intent to fill."""
    cid = at.store.orders.open()[0].client_order_id
    assert run(at, "audit", "show", "--about", cid, "--format", "json") == 0
    kinds = [act["kind"] for act in json.loads(capsys.readouterr().out)["acts"]]
    assert kinds == ["intent", "intent-state", "intent-state", "order", "order", "fill"]
    assert run(at, "audit", "show", "--limit", "2") == 0
    assert "SENT → UNKNOWN: no reply" in capsys.readouterr().out
    assert run(at, "audit", "show", "--kind", "none") == 0
    assert capsys.readouterr().out == "no such acts\n"


def test_export_can_be_verified_by_others(at: Desk, tmp_path: Path, capsys: Out) -> None:
    """The exported lines are enough to compute every hash again, without our database."""
    with at.store.transaction() as store:
        store.chain.keep_text("rules: []")
    assert run(at, "audit", "export", "--output", str(tmp_path / "out.jsonl")) == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines[1]["content"] == "rules: []"
    prev = genesis(lines[0]["store"])
    for line in lines[2:]:
        prev = row_hash(prev, line["n"], line["time_ms"], line["kind"], line["subject"], canonical(line["body"]))
        assert prev.hex() == line["hash"]
    capsys.readouterr()
    assert run(at, "audit", "export", "--output", str(tmp_path / "out.jsonl")) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(at, "audit", "export", "--since", "2027-01-01") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_no_records_and_several(tmp_path: Path, at: Desk, capsys: Out) -> None:
    """A folder without records says so; of several the one with a service is meant; else the command asks which."""
    assert main(["trades", "--state", str(tmp_path / "nowhere")]) == 1
    assert "no records" in capsys.readouterr().err
    desk(at.folder.parent / "live-there-1").store.close()
    assert run(at, "orders") == 0
    at.store.close()
    capsys.readouterr()
    assert run(at, "orders") == 2
    assert "2 stores" in capsys.readouterr().err
    assert main(["orders", "--state", str(at.folder)]) == 0
