"""`validate`, `show`, `schema`, `init` and `rule` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotrader.cli import main

EIGHT = """\
version: 1
rules:
  buy_the_dip:
    symbol: BTCJPX1
    every: 2s
    when:
      all:
        - change_24h <= -5
        - spreed <= 0.15%
        - rsi(14, 1h) < 30 and last > 5
    cooldwn: 12h
    then:
      - buy: {spend: 10,000 JPY, price: bid - 0.2%, tif: gct}
  暴落:
    symbol: BTCJPY
    then: [notify: x]
"""
GOOD = """\
version: 1
params: {spend: {default: 10_000 JPY}}
rules:
  dip:
    symbol: BTCJPY
    when: [last < 9_400_000, free(JPY) >= $spend]
    cooldown: 12h
    then: [buy: {spend: $spend, price: bid - 0.2%, cancel_after: 90s}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_eight_mistakes_each_at_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All mistakes of a file are reported at once, in order, with line, column and hint."""
    (folder / "a.yaml").write_text(EIGHT, encoding="utf-8")
    assert main(["validate", "a.yaml", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["format_version"], data["exit_code"]) == (1, 1)
    found = [(each["code"], each["line"], each["column"]) for each in data["problems"] if each["severity"] == "error"]
    assert found == [
        ("AT209", 4, 13), ("AT212", 5, 12), ("AT120", 8, 25), ("AT113", 9, 11), ("AT110", 10, 28),
        ("AT201", 11, 5), ("AT011", 13, 22), ("AT204", 13, 58), ("AT005", 14, 3),
    ]  # fmt: skip
    assert all(each["hint"] for each in data["problems"])


def test_text_shows_excerpt_and_caret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of the file stands there, with a caret below the place; wide characters take two columns."""
    text = 'version: 1\nrules:\n  r: {about: "買い", symbol: btcjpy, when: last < 5, then: [notify: x]}\n'
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    assert main(["validate", "a.yaml"]) == 1
    out, err = capsys.readouterr()
    lines = out.split("\n")
    assert lines[0] == "error[AT209]: `btcjpy` is not a symbol"
    assert lines[1] == "  --> a.yaml:3:28   rules.r.symbol"
    before = lines[3].split("btcjpy")[0]
    assert len(before) + 2 == lines[4].index("^")  # two characters of the line are wide
    assert "help: write `BTCJPY`" in lines[4]
    assert "1 error in 1 file" in err
    assert "exit 1" in err


def test_nothing_of_a_file_reaches_the_terminal_raw(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences in names and texts are shown as code points."""
    (folder / "a.yaml").write_text('version: 1\nrules: {"\\e[2Jx": {symbol: BTCJPY}}\n\x1b[31m: 1\n')
    assert main(["validate", "a.yaml", "--color", "never"]) == 1
    assert "\x1b" not in "".join(capsys.readouterr())


def test_warnings_are_fine_unless_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 with warnings, 3 with --strict."""
    (folder / "a.yaml").write_text(GOOD.replace("    cooldown: 12h\n", ""))
    assert main(["validate", "a.yaml"]) == 0
    assert main(["validate", "a.yaml", "--strict"]) == 3
    assert "warning[AT303]" in capsys.readouterr().out


def test_without_a_project_a_path_is_needed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither path nor account file: usage."""
    assert main(["validate"]) == 2
    assert "no path was given" in capsys.readouterr().err


def test_missing_files_are_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that does not exist is reported like a mistake."""
    assert main(["validate", "nothing.yaml"]) == 1
    assert "AT001" in capsys.readouterr().out


def test_show_gives_exact_amounts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers are exact texts with their unit, parameters filled in."""
    (folder / "a.yaml").write_text(GOOD)
    assert main(["show", "a.yaml", "--format", "json"]) == 0
    rule = json.loads(capsys.readouterr().out)["rules"][0]
    assert rule["when"] == {"all": ["last < 9400000 JPY", "free(JPY) >= 10000 JPY"]}
    action = rule["branches"][0]["then"][0]
    assert (action["spend"], action["price"], action["cancel_after"]) == ("10000 JPY", "bid - 0.2%", "1m30s")
    assert main(["show", "a.yaml"]) == 0
    assert "buy BTCJPY for 10,000 JPY" in capsys.readouterr().out


def test_show_of_bad_rules_shows_the_mistakes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown as loaded that did not load."""
    (folder / "a.yaml").write_text(EIGHT, encoding="utf-8")
    assert main(["show", "a.yaml"]) == 1
    assert "AT113" in capsys.readouterr().out


def test_init_makes_a_project_that_is_valid(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new project validates without a word; a second init overwrites nothing."""
    assert main(["init", "project"]) == 0
    assert main(["init", "project"]) == 2
    monkeypatch.chdir(folder / "project")
    capsys.readouterr()
    assert main(["validate", "--strict"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "0 errors in 2 files" in err
    assert {"autotrader.yaml", "rules", ".env.example", ".gitignore", ".schema", "systemd"} == {
        path.name for path in Path().iterdir()
    }


def test_a_mistake_in_the_account_file_is_shown_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The account file beside the rules is checked with them."""
    (folder / "autotrader.yaml").write_text("version: 1\nmodes: live\n")
    (folder / "a.yaml").write_text(GOOD)
    assert main(["validate", "a.yaml"]) == 1
    assert "AT501" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["schema"], ["schema", "--account"]])
def test_schema_is_json_with_every_key(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The schema names the keys that the loader takes and none that it refuses."""
    assert main(arguments) == 0
    schema = json.loads(capsys.readouterr().out)
    text = json.dumps(schema)
    assert schema["properties"]["version"] == {"const": 1, "description": "the version of this format"}
    assert "not_yet" not in text
    assert "guards" not in schema["properties"]
    if arguments == ["schema"]:
        assert {"symbol", "when", "then", "cooldown"} <= set(schema["$defs"]["WrittenRule"]["properties"])
        assert "bracket" not in schema["$defs"]["WrittenPlace"]["properties"]


def test_rule_explains_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Codes are explained with a wrong and a right line; an unknown one is a usage error."""
    assert main(["rule", "at120"]) == 0
    assert "change_24h <= -5%" in capsys.readouterr().out
    assert main(["rule", "AT999"]) == 2
    assert main(["rule", "--format", "json"]) == 0
    assert "AT120" in json.loads(capsys.readouterr().out.split("\n", 0)[0])["codes"]


def test_init_writes_files_that_nobody_else_may_change(tmp_path: Path) -> None:
    """Under a umask that lets the group write, live would refuse the very project that `init` made."""
    import os
    import stat

    from autotrader import cli

    before = os.umask(0o002)
    try:
        assert cli.main(["init", str(tmp_path / "mine")]) == 0
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "mine").rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) & 0o022 for path in files} == {0}
