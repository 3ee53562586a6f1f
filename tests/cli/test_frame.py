"""The frame of the command line: help, errors, exit codes, colour, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader import cli
from autotrader.cli import _folders, _output, _table
from autotrader.cli._options import format_option
from autotrader.errors import (
    AutotraderError,
    ConfigError,
    ExchangeRefused,
    ExchangeUnavailable,
    RecordsBroken,
    RulesInvalid,
    SafetyRefused,
    UsageError,
)
from autotrader.money import Amount
from autotrader.orders import Balance, Side
from autotrader.text import printable, width

ERRORS: dict[str, Exception] = {
    "usage": UsageError("no", hint="do this"),
    "config": ConfigError("no", hint="do this"),
    "rules": RulesInvalid("no", hint="do this"),
    "records": RecordsBroken("no", hint="do this"),
    "safety": SafetyRefused("no", hint="do this"),
    "away": ExchangeUnavailable("no", hint="do this"),
    "refused": ExchangeRefused("no", code=-2010, hint="do this"),
    "mistake": RuntimeError("a mistake of ours"),
    "interrupt": KeyboardInterrupt(),  # type: ignore[dict-item]  # raised like any other
}
CODES = {
    "usage": 2, "config": 2, "rules": 1, "records": 1, "safety": 4, "away": 5, "refused": 6, "mistake": 70,
    "interrupt": 130,
}  # fmt: skip


@click.command()
@click.argument("kind")
@format_option
def _trial(kind: str, output: str) -> int:
    if kind in ERRORS:
        raise ERRORS[kind]
    return _output.emit_json({"kind": kind}, 3) if output == "json" else 3


@click.group()
def _nested() -> None:
    """A command with commands."""


@_nested.command("verify")
def _verify() -> None:
    """A command below a command."""


@pytest.fixture(autouse=True)
def trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Two commands of this test in the table, and folders that are its own."""
    for name, command in (("trial", _trial), ("nested", _nested)):
        module = ModuleType(f"autotrader.cli.{name}")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(_table.COMMANDS, name, _table.Entry("try", "", f"{name}:command"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    _output.choose_color("auto")


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "autotrader", *words],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environ},
    )  # fmt: skip


def test_first_help_screen() -> None:
    """The first help screen has nine verbs with help, and all others by group."""
    shown = run("--help").stdout
    front, _, behind = shown.partition("More (")
    listed = [
        line.split()[0] for line in front.split("Commands:")[1].splitlines() if line.startswith("  ") and line[2] != " "
    ]
    assert listed == list(_table.FRONT)
    assert len(listed) <= 9
    for name, entry in _table.COMMANDS.items():
        if name not in {*_table.FRONT, "trial", "nested"}:
            assert f"{name}" in next(line for line in behind.splitlines() if line.split()[:1] == [entry.group])


def test_every_command_has_group_and_help() -> None:
    """Every command of the table stands in a known group with a help line."""
    for name, entry in _table.COMMANDS.items():
        assert entry.group in _table.GROUPS, name
        assert entry.help or name in {"trial", "nested"}


def test_help_imports_nothing_heavy() -> None:
    """`--help` imports no command and none of the heavy packages, and so starts fast."""
    heavy = ["rich", "requests", "numpy", "talib", "pydantic", "apprise", "structlog", "schedule", "yaml", "sqlite3"]
    probe = (
        "import sys; from autotrader.cli import main; main(['--help']);"
        f"print(sorted(m for m in sys.modules if m in {heavy} or m.startswith('autotrader.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    frame = ["cli", "cli._errors", "cli._options", "cli._output", "cli._startup", "cli._table", "errors", "text"]
    assert done.stderr.strip() == str([f"autotrader.{name}" for name in frame])


def test_help_is_quick() -> None:
    """`--help` takes less than 0.2 s of processor time, interpreter start included."""
    best = min(_cpu_seconds("--help") for _ in range(3))
    assert best < 0.2


def _cpu_seconds(*words: str) -> float:
    before = os.times()
    run(*words)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def test_missing_module_breaks_only_its_own_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that this version lacks is told as such; help goes on working."""
    monkeypatch.setitem(_table.COMMANDS, "absent", _table.Entry("try", "x", "no_such_file:command"))
    assert cli.main(["absent"]) == 2
    assert "error: `absent` is not in this version" in capsys.readouterr().err
    assert cli.main(["--help-all"]) == 0
    assert "absent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["valdate"], "did you mean `validate`?"),
        (["trial", "x", "--fromat", "json"], "did you mean `--format`?"),
        (["nested", "verfy"], "did you mean `verify`?"),
        (["zzzzzz"], "`autotrader --help` lists the commands"),
        (["trial"], "`autotrader trial --help` shows how it is used"),
        (["trial", "x", "--format", "yaml"], "`autotrader trial --help` shows how it is used"),
    ],
)
def test_mistyped_words(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistyped commands and options exit with 2 and name the nearest known one; stdout stays empty."""
    assert cli.main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert f"help: {told}" in shown.err


@pytest.mark.parametrize("kind", CODES)
def test_exit_codes(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of error ends with its own exit code, a message on stderr and never a traceback."""
    assert cli.main(["trial", kind]) == CODES[kind]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    if isinstance(ERRORS[kind], AutotraderError):
        assert shown.err == "error: no\nhelp: do this\n"


@pytest.mark.parametrize("kind", [kind for kind in CODES if kind != "interrupt"])
def test_errors_as_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --format json an error is one JSON document on stdout that holds the exit code."""
    code = cli.main(["trial", kind, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["format_version"] == 1
    assert document["exit_code"] == code == CODES[kind]
    assert document["error"]["message"]


def test_usage_errors_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error is JSON too where JSON was asked for, though parsing itself failed."""
    assert cli.main(["trial", "x", "--format=json", "--nope"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


def test_return_value_is_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """What a command returns is its exit code, and stands in its JSON."""
    assert cli.main(["trial", "x"]) == 3
    assert cli.main(["trial", "x", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"format_version": 1, "exit_code": 3, "kind": "x"}


def test_internal_error_keeps_details(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The details of an internal error are kept in a file that only its owner can read, and named."""
    assert cli.main(["trial", "mistake"]) == 70
    place = tmp_path / "state" / "autotrader" / "logs" / "last-error.txt"
    assert str(place) in capsys.readouterr().err
    assert "a mistake of ours" in place.read_text(encoding="utf-8")
    assert place.stat().st_mode & 0o777 == 0o600


def test_debug_shows_details(capsys: pytest.CaptureFixture[str]) -> None:
    """--debug shows the details of an internal error at once."""
    assert cli.main(["--debug", "trial", "mistake"]) == 70
    assert "RuntimeError: a mistake of ours" in capsys.readouterr().err


def test_foreign_text_cannot_forge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a message are shown as escapes and can begin no line of their own."""
    monkeypatch.setitem(ERRORS, "usage", UsageError("bad \x1b[2J\u202e id\nerror: forged"))
    cli.main(["trial", "usage"])
    assert capsys.readouterr().err == "error: bad \\x1b[2J\\u202e id\n       error: forged\n"


@pytest.mark.parametrize(
    ("answer", "code", "told"), [("", 2, "input ended before an answer"), ("n\n", 4, "not confirmed")]
)
def test_unconfirmed(answer: str, code: int, told: str) -> None:
    """A question without anybody to answer it, or answered with no, ends the command with one clear message."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(body="click.confirm('Sure?', abort=True, err=True)")],
        input=answer, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert told in done.stderr


_SCRIPT = """
import sys, time, types, click
from autotrader import cli
from autotrader.cli import _table
module = types.ModuleType("autotrader.cli.trial")
@click.command()
def command():
    try:
        {body}
    finally:
        print("unwound", file=sys.stderr)
module.command = command
sys.modules["autotrader.cli.trial"] = module
_table.COMMANDS["trial"] = _table.Entry("try", "", "trial:command")
sys.exit(cli.main(["trial"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(number: int, code: int) -> None:
    """Ctrl-C ends with 130 and SIGTERM with 143, after what was begun has been put away, without a traceback."""
    body = "print('ready', flush=True); time.sleep(20)"
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=200)
    assert process.returncode == code
    assert err.strip() == "unwound"


def test_broken_pipe_is_quiet() -> None:
    """When the reader of stdout goes away the command ends quietly."""
    body = "[print('x' * 1000) for _ in range(10_000)]"
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=200)
    assert process.returncode == 141
    assert err.strip() == "unwound"


@pytest.mark.parametrize(
    ("mode", "environ", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_to_colour(mode: _output.ColorMode, environ: dict[str, str], terminal: bool, expected: bool) -> None:
    """The flag rules, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether it is a terminal."""

    class Stream:
        def isatty(self) -> bool:
            return terminal

    assert _output.wants_color(Stream(), mode, environ) is expected  # type: ignore[arg-type]


def test_color_flag_before_and_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """--color is understood in front of the command and behind it."""
    cli.main(["--color", "always", "trial", "usage"])
    before = capsys.readouterr().err
    cli.main(["trial", "usage", "--color", "never"])
    after = capsys.readouterr().err
    assert "\x1b[" in before
    assert after == "error: no\nhelp: do this\n"


def test_unencodable_output() -> None:
    """A terminal that lacks a character gets an escape, not the end of the command."""
    done = run("valid日te", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "\\u65e5" in done.stderr


# ---- helpers -----------------------------------------------------------------------------------------------------


@given(st.text())
def test_printable_is_harmless(text: str) -> None:
    """Text made printable holds no control, direction or surrogate character, and plain text is left alone."""
    from unicodedata import category

    shown = printable(text)
    assert not any(category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    assert "\u202e" not in shown
    assert printable(shown) == shown


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=5))
def test_table_columns_align(rows: list[list[str]]) -> None:
    """The second column begins at the same terminal column in every row, wide characters and escapes included."""
    marked = [[first, "|" + second] for first, second in rows]
    lines = _output.table(["名前", "|x"], marked).split("\n")
    starts = set()
    for line, (first, _) in zip(lines, [["名前", ""], *rows], strict=True):
        rest = line.removeprefix(printable(first))
        starts.add(width(printable(first)) + rest.index("|"))
    assert len(starts) == 1


def test_table_right_column() -> None:
    """Columns of figures end at the same place."""
    assert _output.table(["a", "n"], [["日本", "5"], ["x", "1,000"]], right={1}).split("\n") == [
        "a         n",
        "日本      5",
        "x     1,000",
    ]


@given(st.text(), st.decimals(allow_nan=False, allow_infinity=False))
def test_json_is_exact_and_harmless(text: str, value: Decimal) -> None:
    """JSON output gives texts and decimals back exactly and holds no control character."""
    import contextlib
    import io

    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        _output.emit_json({"text": text, "value": value})
    shown = stream.getvalue()
    found = json.loads(shown)
    assert found["text"] == text
    assert Decimal(found["value"]) == value
    assert all(printable(line) == line for line in shown.split("\n"))


def test_table_styles_count_no_width(capsys: pytest.CaptureFixture[str]) -> None:
    """Coloured cells stand where plain ones would."""
    rows = [[_output.Styled("down", "red"), "1"], ["up", "2"]]
    plain = _output.table(["a", "b"], rows)
    _output.choose_color("always")
    coloured = _output.table(["a", "b"], rows)
    assert "\x1b[31mdown" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_json_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    """Amounts, enumerations, sets and dataclasses are written as texts and fields."""
    values = {"amount": Amount(Decimal("1.50"), "BTC"), "side": Side.BUY, "set": {"b", "a"}}
    _output.emit_json({**values, "balance": Balance("JPY", Decimal("1e3"), Decimal(0)), "place": Path("x")})
    found = json.loads(capsys.readouterr().out)
    assert found["side"] == "BUY"
    assert found["set"] == ["a", "b"]
    assert found["amount"] == "1.5 BTC"
    assert found["balance"] == {"asset": "JPY", "free": "1000", "locked": "0"}
    assert found["place"] == "x"


def test_private_folder(tmp_path: Path) -> None:
    """A folder that is made belongs to its owner alone; one that cannot be made is a clear error."""
    made = _folders.private(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make the folder"):
        _folders.private(tmp_path / "file" / "x")


def test_folders_by_precedence() -> None:
    """--state beats systemd's folders, those beat XDG's, and XDG's defaults come last; relative ones do not count."""
    home = {"HOME": "/h"}
    xdg = {**home, "XDG_STATE_HOME": "/x", "XDG_CACHE_HOME": "relative"}
    unit = {**xdg, "STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "LOGS_DIRECTORY": "/var/log/a"}
    assert _folders.folders(None, home).state == Path("/h/.local/state/autotrader")
    assert _folders.folders(None, xdg) == (
        Path("/x/autotrader"), Path("/h/.cache/autotrader"), Path("/x/autotrader/logs"),
    )  # fmt: skip
    assert _folders.folders(None, unit) == (Path("/var/lib/a"), Path("/var/lib/a/cache"), Path("/var/log/a"))
    assert _folders.folders(Path("s"), unit) == (Path("s"), Path("s/cache"), Path("s/logs"))


@pytest.mark.parametrize("name", list(_table.COMMANDS))
def test_every_command_that_is_there_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of the table that this version has answers --help, with a text of its own."""
    file = _table.COMMANDS[name].target.partition(":")[0]
    if not Path(cli.__file__).with_name(f"{file}.py").exists():
        pytest.skip("not written yet")
    assert cli.main([name, "--help"]) == 0
    assert f"Usage: autotrader {name}" in capsys.readouterr().out
