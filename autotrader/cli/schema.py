"""`autotrader schema`: JSON Schema for editors."""

from __future__ import annotations

import json

import click

from autotrader.cli._output import say
from autotrader.language.schema import account_file_schema, rule_file_schema


@click.command("schema")
@click.option("--account", is_flag=True, help="The schema of the account file (autotrader.yaml).")
def command(*, account: bool) -> int:
    """Print the JSON Schema of rule files, with which editors check and complete while you type.

    The schema knows keys and shapes; `autotrader validate` also reads the expressions.
    """
    say(json.dumps(account_file_schema() if account else rule_file_schema(), indent=2, ensure_ascii=False))
    return 0
