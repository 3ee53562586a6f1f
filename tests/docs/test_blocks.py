"""Every fenced block of every document is run, loaded or parsed: what stands there works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from autotrader.cli.init import ONCE, SERVICE, TIMER
from autotrader.language.account_file import load_settings, starting_text
from autotrader.language.load import load
from autotrader.language.problems import Problem
from tests.docs.blocks import ROOT, Block, agrees, blocks, documents, steps
from tests.docs.sandbox import Sandbox, exchange

KINDS = {"yaml", "console", "json", "python", "ini", "mermaid", ""}
ALL = [block for file in documents() for block in blocks(file)]
CONSOLES = sorted({(block.file, block.part) for block in ALL if block.kind == "console"})
_WRONG = re.compile(r"# wrong: (AT\d{3})")


def of(*kinds: str) -> list[Block]:
    """The blocks of these kinds."""
    return [block for block in ALL if block.kind in kinds]


def test_every_block_has_a_kind_that_is_checked() -> None:
    """No block escapes: each is of a kind that a test below runs, loads or parses."""
    assert {f"{block} {block.kind}" for block in ALL if block.kind not in KINDS} == set()


# ---------------------------------------------------------------------------------------------------------- yaml


def as_rule_file(text: str) -> str:
    """A whole rule file; a rule's body is put under a name, a list of conditions under a rule that only notifies."""
    first = next(line for line in text.split("\n") if not line.startswith("#"))
    if first.startswith("version:"):
        return text
    indented = "".join(f"    {line}\n" for line in text.rstrip("\n").split("\n"))
    if first.startswith("- "):
        inner = "".join(f"        {line}\n" for line in text.rstrip("\n").split("\n"))
        begin = "version: 1\nrules:\n  example:\n    symbol: BTCJPY\n    when:\n      all:\n"
        return f"{begin}{inner}    then:\n      - notify: seen\n"
    if re.match(r"(rules|params|signals):", first):
        return "version: 1\n" + text
    return f"version: 1\nrules:\n  example:\n{indented}"


def is_account(text: str) -> bool:
    """Whether a block is of an account file: it has a key that only those have."""
    return re.search(r"(?m)^(mode|limits|notify|heartbeat|exchange|paper|include|timezone):", text) is not None


def as_account_file(text: str) -> str:
    """A whole account file: the keys that a block shows, and those of `autotrader init` for the rest."""
    shown, whole = (yaml.load(each, Loader=yaml.BaseLoader) for each in (text, starting_text()))  # noqa: S506 - texts only
    rest = {key: value for key, value in whole.items() if key not in shown}
    return text + yaml.safe_dump(rest, default_flow_style=False, allow_unicode=True)


def problems_of(text: str) -> tuple[Problem, ...]:
    """What the loaders say of a block."""
    if is_account(text):
        return load_settings("autotrader.yaml", as_account_file(text))[1]
    return load({"rules.yaml": as_rule_file(text)})[1]


def is_fault_plan(block: Block) -> bool:
    """Whether a block is a plan of the simulator's faults."""
    return block.text.startswith("seed:")


@pytest.mark.parametrize("block", [block for block in of("yaml") if is_fault_plan(block)], ids=str)
def test_fault_plans_load(block: Block, tmp_path: Path) -> None:
    """A plan of faults that a document shows is one that the simulator takes."""
    from autotrader.simulator.faults import plan as fault_plan

    file = tmp_path / "faults.yaml"
    file.write_text(block.text, encoding="utf-8")
    _, plan = fault_plan.read(file)
    assert fault_plan.rules(plan)


@pytest.mark.parametrize("block", [block for block in of("yaml") if not is_fault_plan(block)], ids=str)
def test_yaml_blocks_load(block: Block) -> None:
    """A rule or account file that a document shows loads without an error, or with the one that it announces."""
    wrong = set(_WRONG.findall(block.text))
    found = {problem.code for problem in problems_of(block.text) if problem.severity == "error"}
    assert found == wrong, problems_of(block.text)


# ------------------------------------------------------------------------------------------------------- console


@pytest.mark.parametrize(("file", "part"), CONSOLES, ids=[f"{file.name}-{part}" for file, part in CONSOLES])
def test_console_blocks_run(file: Path, part: int, tmp_path: Path) -> None:
    """The commands of a document, typed in its order, end and print as it says, and nothing leaves this machine."""
    chosen = [block for block in of("console") if (block.file, block.part) == (file, part)]
    typed = [step for block in chosen for step in steps(block)]
    ours = [step for step in typed if not step.command.startswith("python3 dev.py")]
    if not ours:
        return
    with exchange() as simulator:
        sandbox = Sandbox(tmp_path, simulator)
        if not ours[0].command.startswith("autotrader init"):
            sandbox.init()
        for step in ours:
            code, printed = sandbox.run(step)
            assert code == step.code, f"{step.place}: {step.command} ended with {code}\n{printed}"
            absent = agrees(step.shown, printed)
            assert not absent, f"{step.place}: {step.command} does not print {absent!r} but\n{printed}"
        assert sandbox.left() == ""


def test_dev_commands_exist() -> None:
    """Every `python3 dev.py …` of a document is a command of dev.py."""
    import dev

    named = [word for file in documents() for word in re.findall(r"python3 dev\.py ([a-z]+)", file.read_text("utf-8"))]
    assert named
    assert set(named) <= set(dev.COMMANDS)


# ------------------------------------------------------------------------------------------- the other kinds


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_blocks_parse(block: Block) -> None:
    """JSON that a document shows is JSON."""
    json.loads(block.text)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_blocks_run(block: Block) -> None:
    """Python that a document shows runs."""
    exec(compile(block.text, str(block), "exec"), {})  # noqa: S102 - our own documents


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_units_are_those_that_init_writes(block: Block) -> None:
    """Lines of a systemd unit in a document stand in a unit that `autotrader init` writes, or are marked `# add`."""
    written = {line.replace("{folder}", "my-rules") for line in (SERVICE + ONCE + TIMER).split("\n")}
    own = [line for line in block.text.split("\n") if line and not line.endswith("# add")]
    assert [line for line in own if line not in written] == []


@pytest.mark.parametrize("block", of(""), ids=str)
def test_commands_in_plain_blocks_are_understood(block: Block) -> None:
    """A command line that is shown but cannot be run here (it would not end) has options that exist."""
    from importlib import import_module
    from importlib.util import find_spec

    from autotrader.cli._table import COMMANDS

    for line in block.text.strip().split("\n"):
        words = shlex.split(line)
        if words[:2] == ["python", "-m"]:
            assert find_spec(words[2]) is not None, line
            continue
        assert words[0] == "autotrader", f"{block}: {line}"
        module, name = COMMANDS[words[1]].target.split(":")
        command = getattr(import_module(f"autotrader.cli.{module}"), name)
        assert isinstance(command, click.Command)
        command.make_context(words[1], words[2:], resilient_parsing=False)


def test_the_rule_of_the_readme_is_short() -> None:
    """The first rule that a reader sees has at most twelve lines."""
    first = next(block for block in of("yaml") if block.file == ROOT / "README.md")
    assert len(first.text.strip().split("\n")) <= 12
