"""`autotrader eval` over a file of candles."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from autotrader.cli import main
from tests.market.tapes import column, reference, walk

HEAD = "open_time,open,high,low,close,volume,close_time"


@pytest.fixture
def tape_file(tmp_path: Path) -> Path:
    """A file of 900 hours with some missing."""
    tape = walk(900, 7, holes=0.01)
    lines = [HEAD]
    for index, moment in enumerate(tape.open_ms.tolist()):
        values = (getattr(tape, name)[index] for name in ("open", "high", "low", "close", "volume"))
        lines.append(",".join([str(moment), *(repr(float(value)) for value in values), str(moment + 3_599_999)]))
    path = tmp_path / "BTCJPY-1h.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _values(path: Path, expression: str, capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    code = main(["eval", expression, "--symbol", "BTCJPY", "--data", str(path), "--format", "csv", *flags])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    rows = list(csv.DictReader(io.StringIO(captured.out)))
    assert list(rows[0]) == ["open_time", "value"]
    return [row["value"] for row in rows]


def test_a_value_is_that_of_its_column_and_empty_where_unknown(
    tape_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every candle of the file has a row; what is not known is empty."""
    found = _values(tape_file, "rsi(14, 1h)", capsys)
    wanted = column("rsi(14, 1h)", walk(900, 7, holes=0.01))
    assert ["" if np.isnan(value) else repr(float(value)) for value in wanted] == found
    assert "" in found


@pytest.mark.parametrize(
    "expression",
    [
        "last > sma(20, 1h)",
        "close(4h) > highest(5, 4h) 1 candle ago",
        "last crosses above sma(20, 1h)",
        "change(2h) < -1%",
    ],
)
def test_a_condition_is_true_false_or_unknown(
    expression: str, tape_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Conditions answer in three values; both answers occur on a random market."""
    assert {"true", "false", ""} == set(_values(tape_file, expression, capsys))


def test_last_is_the_close_and_units_hold(tape_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`last - 20%` is 0.8 of the close."""
    closes = [float(value) for value in _values(tape_file, "last", capsys)]
    assert [close * 0.8 for close in closes] == pytest.approx(
        [float(value) for value in _values(tape_file, "last - 20%", capsys)]
    )


def test_the_reference_file_gives_the_reference(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --from-birth RSI is known from its first bar, and is the reference's."""
    wanted = reference(shared_data)
    lines = [HEAD]
    for row in range(len(wanted["close"])):
        values = [repr(float(wanted[name][row])) for name in ("open", "high", "low", "close", "volume")]
        lines.append(",".join([str(row * 86_400_000), *values, "0"]))
    path = tmp_path / "days.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = _values(path, "rsi(14, 1d)", capsys, "--interval", "1d", "--from-birth")
    assert found[:14] == [""] * 14
    assert wanted["rsi.rsi"][14:].tolist() == pytest.approx([float(value) for value in found[14:]], rel=1e-9)


def test_json_has_numbers_and_nulls(tape_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine's form."""
    assert main(["eval", "sma(3, 1h)", "--symbol", "BTCJPY", "--data", str(tape_file), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert tuple(document[key] for key in ("format_version", "kind", "unit", "interval")) == (1, "value", "JPY", "1h")
    assert document["rows"][0]["value"] is None
    assert isinstance(document["rows"][5]["value"], float)


@pytest.mark.parametrize(
    ("text", "count", "part"),
    [
        ("spread < 1%", 2, "spread"),
        ("rsi(14, 5m)", 2, "5m candles cannot be made"),
        ("ETHJPY.close(1h)", 2, "the file holds BTCJPY"),
        ("spreed < 1%", 1, "did you mean `spread`"),
        ("last <", 1, "ends here"),
    ],
)
def test_what_the_file_cannot_answer_is_one_clear_error(
    text: str, count: int, part: str, tape_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 for a word without meaning there, 1 for a mistake in the expression; stdout stays empty."""
    assert count == main(["eval", text, "--symbol", "BTCJPY", "--data", str(tape_file)])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err


@pytest.mark.parametrize(("text", "part"), [("nowhere.csv", "cannot read"), ("", "cannot read")])
def test_a_file_that_cannot_be_read(text: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file or a folder is an error of the command line."""
    assert main(["eval", "last", "--symbol", "BTCJPY", "--data", str(tmp_path / text)]) == 2
    assert part in capsys.readouterr().err
