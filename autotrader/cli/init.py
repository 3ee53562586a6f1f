"""`autotrader init DIR`: a commented project to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autotrader.cli._output import note, say
from autotrader.errors import UsageError
from autotrader.language.account_file import starting_text
from autotrader.language.schema import account_file_schema, rule_file_schema

RULE = """\
# yaml-language-server: $schema=../.schema/rules.json
version: 1
params:
  dip:   {default: -5%, min: -30%, max: -3%, help: 24h move that counts as a dip}
  spend: {default: 2_000 JPY, min: 1_000 JPY, max: 10_000 JPY, help: yen spent per dip}
rules:
  buy_the_dip:
    about: Buy a little BTC when it falls hard, below the market, and let go of it after half an hour.
    symbol: BTCJPY
    every: 1m
    when:
      all:
        - change_24h <= $dip for 2m
        - spread <= 0.20%
        - free(JPY) >= $spend
    rearm_when: change_24h > -2%
    cooldown: 12h
    max_runs: 2 per day
    then:
      - buy: {spend: $spend, price: bid - 0.2%, post_only: true, cancel_after: 30m}
      - notify: "{symbol} moved {change_24h} in 24h: bid {order.price} for {order.size}"
"""
ENVIRONMENT = """\
# Copy to .env, fill in, and `chmod 600 .env`. The systemd units read it; for commands by hand: `set -a; . ./.env`.
# Dry-run needs none of these.
# The key must not be allowed to withdraw, and should be tied to this machine's address.
AUTOTRADER_API_KEY=
# The file that holds the secret alone, mode 0600:
AUTOTRADER_API_SECRET_FILE=
# Where notices go (the `url_env` of a channel in autotrader.yaml):
AUTOTRADER_NOTIFY_URL=
# Only for a live service, which cannot be asked: see `autotrader run --help`.
# AUTOTRADER_LIVE=1
"""
IGNORE = ".env\n*.db\n"
SERVICE = """\
# The service. Copy to ~/.config/systemd/user/, edit the paths, then
#   systemctl --user enable --now autotrader.service
[Unit]
Description=autotrader
Wants=network-online.target
After=network-online.target

[Service]
WorkingDirectory=%h/{folder}
EnvironmentFile=-%h/{folder}/.env
ExecStart=/usr/bin/env autotrader run
StateDirectory=autotrader
Restart=on-failure
RestartSec=30
KillSignal=SIGTERM
TimeoutStopSec=60
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict

[Install]
WantedBy=default.target
"""
ONCE = """\
# One pass, started by autotrader-once.timer in place of the service.
[Unit]
Description=autotrader, one pass

[Service]
Type=oneshot
WorkingDirectory=%h/{folder}
EnvironmentFile=-%h/{folder}/.env
ExecStart=/usr/bin/env autotrader run --once
StateDirectory=autotrader
"""
TIMER = """\
# Every minute: systemctl --user enable --now autotrader-once.timer (not together with autotrader.service)
[Unit]
Description=autotrader, every minute

[Timer]
OnCalendar=*:0/1
AccuracySec=1s
Unit=autotrader-once.service

[Install]
WantedBy=timers.target
"""


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> int:
    """Make a project: account file, one rule, .env.example, editor schema, systemd units. Overwrites nothing."""
    files = _files(folder)
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder / there[0]} is already there, and is not overwritten", hint="choose an empty folder")
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)  # live refuses files that others may write to, and many machines let a group do so
            say(str(path))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    note(f"\nTry next: cd {folder} && autotrader validate && autotrader plan")
    return 0


def _files(folder: Path) -> dict[str, str]:
    name = folder.resolve().name
    return {
        "autotrader.yaml": starting_text(),
        "rules/buy_the_dip.yaml": RULE,
        ".env.example": ENVIRONMENT,
        ".gitignore": IGNORE,
        ".schema/rules.json": json.dumps(rule_file_schema(), indent=1) + "\n",
        ".schema/account.json": json.dumps(account_file_schema(), indent=1) + "\n",
        "systemd/autotrader.service": SERVICE.replace("{folder}", name),
        "systemd/autotrader-once.service": ONCE.replace("{folder}", name),
        "systemd/autotrader-once.timer": TIMER,
    }
