"""``autotrader simulator``: a Binance-protocol exchange on loopback until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from autotrader.errors import UsageError
from autotrader.simulator import serve


@click.command("simulator")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free port.")
@click.option("--tape", help="A tape file, or the name of a packaged tape (btcjpy-2018-01).")
@click.option("--seed", type=int, help="Generate the market from this number (default: 1, when no tape is given).")
@click.option(
    "--time", "mode", type=click.Choice(["real", "stepped"]), default="real", show_default=True,
    help="stepped: time moves only by POST /simulator/advance.",
)  # fmt: skip
@click.option("--speed", type=click.FloatRange(0.001, 1000), default=1.0, show_default=True, help="Of real time.")
@click.option("--accounts", type=click.Path(dir_okay=False, path_type=Path), help="JSON file of accounts.")
@click.option("--faults", type=click.Path(dir_okay=False, path_type=Path), help="JSON or YAML plan of faults.")
@click.option("--symbol", "symbols", multiple=True, help="A symbol to list; may be repeated.")
@click.option("--start-at", help="Where time begins: 2018-01-24T15:00:00Z or milliseconds since 1970.")
@click.option("--print-url", is_flag=True, help="Print the address alone to standard output.")
def command(  # noqa: PLR0913 - one argument an option
    *,
    port: int,
    tape: str | None,
    seed: int | None,
    mode: Literal["real", "stepped"],
    speed: float,
    accounts: Path | None,
    faults: Path | None,
    symbols: tuple[str, ...],
    start_at: str | None,
    print_url: bool,
) -> int:
    """Serve a simulated exchange on 127.0.0.1, with test keys of its own.

    Public and signed calls of the venue's spot REST protocol; see docs/simulator.md.
    """
    try:
        number = serve(
            port=port, tape=tape, seed=seed, time=mode, speed=speed, accounts=accounts, symbols=symbols or None,
            start_at=start_at, faults=faults, print_url=print_url,
        )  # fmt: skip
    except OSError as error:
        hint = "another program has that port; --port 0 picks a free one"
        raise UsageError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}", hint=hint) from None
    return 128 + number
