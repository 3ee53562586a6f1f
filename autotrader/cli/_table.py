"""The table of commands: name, group, help line, and where its code is. `--help` reads this and imports nothing.

A command's module is a file beside this one that holds a click command under the given name. Adding a command is
adding a line here. The first nine (`FRONT`) stand on the first help screen with their help, the rest below in groups.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: its group on the help screen, its help line, and "module:object" below `autotrader.cli`."""

    group: str
    help: str
    target: str


GROUPS = ("start", "write", "try", "run", "data", "records", "system")
FRONT = ("init", "validate", "plan", "run", "why", "status", "halt", "demo", "doctor")

COMMANDS: dict[str, Entry] = {
    "init": Entry("start", "Write a commented project to begin with.", "init:command"),
    "demo": Entry("start", "A recorded day of market, played against an exchange on this machine.", "demo:command"),
    "doctor": Entry("start", "Check the installation, rules, clock, key and store.", "doctor:command"),
    "validate": Entry("write", "Check rule files; report all mistakes at once.", "validate:command"),
    "show": Entry("write", "Show the loaded rules with exact amounts.", "show:command"),
    "eval": Entry("write", "The value of an expression, now or over a file of candles.", "eval:command"),
    "schema": Entry("write", "JSON Schema of rule files and of the account file, for editors.", "schema:command"),
    "rule": Entry("write", "Explain an error code, such as AT101.", "rule:command"),
    "budget": Entry("write", "Requests and weight per minute that rules need; disk per day.", "budget:command"),
    "plan": Entry("try", "Evaluate now and list orders with reasons; send nothing.", "plan:command"),
    "why": Entry("try", "Why a rule fired, or did not.", "why:command"),
    "paper": Entry("try", "The paper account of dry-run: start over.", "paper:command"),
    "prove": Entry("try", "Prove the safety promises on this machine: faults, crashes, tampering.", "prove:command"),
    "simulator": Entry("try", "Serve an exchange on this machine.", "simulator:command"),
    "run": Entry("run", "Run the rules: dry unless --live.", "run:command"),
    "status": Entry("run", "What runs, how it is, what each rule waits for.", "status:command"),
    "halt": Entry("run", "No new orders until a person resumes; --cancel takes open ones back.", "halt:command"),
    "resume": Entry("run", "End a halt, or let paused rules run again.", "resume:command"),
    "pause": Entry("run", "Pause rules by name or label.", "pause:command"),
    "adopt": Entry("run", "Make an order ours that start-up could not explain.", "settling:adopt"),
    "ignore": Entry("run", "Leave an order alone that start-up could not explain.", "settling:ignore"),
    "order": Entry("run", "Place, cancel, list and test orders by hand: dry unless --live.", "order:command"),
    "market": Entry("data", "Prices, tickers, order book and candles.", "market:command"),
    "account": Entry("data", "What the exchange says of the account.", "account:command"),
    "balances": Entry("data", "What is free and what is locked.", "balances:command"),
    "orders": Entry("records", "Open and past orders of autotrader.", "orders:command"),
    "trades": Entry("records", "Own fills, as a table or CSV in JST and yen.", "trades:command"),
    "audit": Entry("records", "Show, verify and export the hash-chained record.", "audit:command"),
    "system": Entry("system", "Whether the exchange runs normally.", "system:command"),
    "config": Entry("system", "Where every setting came from, secrets masked.", "config:command"),
}
