"""``autotrader order``: place, cancel, list and test orders by hand.

`new` and `cancel` go the way of the rules' orders: the same limits, the same journal, dry unless `--live`. `list` and
`test` only look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import Column, emit_json, listed, note, say
from autotrader.cli._venue import venue
from autotrader.cli._worlds import permission_of, project_of, world_of
from autotrader.cli.market import symbol_argument
from autotrader.cli.pause import duration_ms
from autotrader.errors import UsageError
from autotrader.money import grouped, parse_decimal, plain, price_text, yen_quote
from autotrader.orders import Order, OrderRequest, OrderType, Side, TimeInForce
from autotrader.records.places import store_dir
from autotrader.runtime import Runtime, identity_of
from autotrader.service import hand
from autotrader.structs import dataclass
from autotrader.text import printable
from autotrader.times import DAY_MS, time_with_utc

T = TypeVar("T")
UNCLEAR, REFUSED, DENIED = 5, 6, 4
_PLACED = {"ACCEPTED": 0, "ADOPTED": 0, "REJECTED": REFUSED, "DROPPED": DENIED, "NOT_SENT": UNCLEAR}
_CANCELLED = {"CONFIRMED": 0, "REJECTED": REFUSED, "NOT_SENT": UNCLEAR, "LOOKED": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which world an order by hand goes to."""

    live: bool
    config: Path | None
    state: Path | None
    base_url: str | None


def place_order(asked: OrderRequest, where: Where, cancel_after_ms: int | None = None) -> tuple[Mapping[str, Any], int]:
    """Place one order; what came of it, and the exit code. Raises SafetyRefused where a limit denies it."""
    wanted = hand.Wanted(
        symbol=asked.symbol, side=asked.side, price=asked.price, quantity=asked.quantity,
        post_only=asked.type is OrderType.LIMIT_MAKER, tif=asked.tif, cancel_after_ms=cancel_after_ms,
    )  # fmt: skip
    facts = hand.place(*_there(where, wanted))
    return facts, _PLACED.get(str(facts.get("state")), UNCLEAR)


def cancel_order(order: str, where: Where) -> tuple[Mapping[str, Any], int]:
    """Cancel one of our orders by client order id or the venue's. Raises UsageError where it is not ours."""
    facts = hand.cancel(*_there(where, order))
    return facts, _CANCELLED.get(str(facts.get("state")), UNCLEAR)


def _there(where: Where, what: T) -> tuple[Path, T, Callable[[], Runtime]]:
    """The store that is meant, what is asked of it, and how its runtime is opened where no service holds it."""
    project = project_of(where.config, where.base_url)
    permission = permission_of(project) if where.live else None
    fingerprint = "" if permission is None else permission[1].fingerprint
    identity = identity_of(project.settings, live=where.live, fingerprint=fingerprint)
    folder = store_dir(folders(where.state).state, identity)
    return folder, what, lambda: world_of(project, where.state, live=where.live, permission=permission)


F = TypeVar("F", bound=Callable[..., Any])
TEST_ID = "at-test-order"


class Figure(click.ParamType[Decimal]):
    """A plain decimal number above 0; `_` may stand between groups of three digits."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Text to Decimal, never by way of a float."""
        if isinstance(value, Decimal):
            return value
        try:
            number = parse_decimal(value)
        except ValueError:
            self.fail(f"`{value}` is not a plain decimal number, such as 0.001 or 9_400_000", param, ctx)
        if number <= 0:
            self.fail(f"`{value}` is not above 0", param, ctx)
        return number


def _common(command: F) -> F:
    return format_option(base_url_option(config_option(command)))


def _order_options(command: F) -> F:
    """What an order is: `autotrader order new buy BTCJPY 0.001 --price 9_400_000`."""
    parts = (
        click.argument("side", type=click.Choice(["buy", "sell"])),
        symbol_argument,
        click.argument("quantity", type=Figure()),
        click.option("--price", type=Figure(), required=True, help="The limit price, in quote for one of base."),
        click.option("--post-only", is_flag=True, help="Refused by the exchange where it would trade at once."),
        click.option(
            "--tif", type=click.Choice(["GTC", "IOC", "FOK"]), default="GTC", show_default=True,
            help="How long it stands: till cancelled, at once or not, all or nothing.",
        ),
    )  # fmt: skip
    for part in reversed(parts):
        command = part(command)
    return command


_COLUMNS: tuple[Column[Order], ...] = (
    Column("side", lambda one: str(one.side)),
    Column("type", lambda one: one.type),
    Column("quantity", lambda one: grouped(one.quantity), right=True),
    Column("price", lambda one: grouped(one.price), right=True),
    Column("executed", lambda one: grouped(one.executed), right=True),
    Column("status", lambda one: str(one.status)),
    Column("number", lambda one: str(one.order_id)),
    Column("id", lambda one: one.client_order_id),
)


@click.group("order", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Place, cancel, list and test orders by hand: dry unless --live."""


@command.command("new")
@_order_options
@click.option("--cancel-after", metavar="DURATION", help="Cancel what is left of it after this time, such as 30m.")
@click.option("--live", is_flag=True, help="Really place it; needs `mode: live` and a confirmation too.")
@_common
@state_option
def new(*, output: str, live: bool, config: Path | None, state: Path | None, base_url: str | None, **what: Any) -> int:
    """Place a limit order, through the account's limits and the journal."""
    after = what.pop("cancel_after")
    asked = _request(what, "")
    where = Where(live=live, config=config, state=state, base_url=base_url)
    facts, code = place_order(asked, where, None if after is None else duration_ms(after, "--cancel-after"))
    return _placed(output, asked, facts, code, live=live)


@command.command("cancel")
@symbol_argument
@click.argument("client_order_id", metavar="ID")
@click.option("--live", is_flag=True, help="Really cancel it; needs `mode: live` and a confirmation too.")
@_common
@state_option
def cancel(
    *,
    symbol: str,
    client_order_id: str,
    live: bool,
    output: str,
    base_url: str | None,
    config: Path | None,
    state: Path | None,
) -> int:
    """Cancel an order of autotrader's, by its id or the exchange's number (`autotrader orders` shows both)."""
    facts, code = cancel_order(client_order_id, Where(live=live, config=config, state=state, base_url=base_url))
    return _cancelled(output, symbol, facts, code, live=live)


@command.command("list")
@symbol_argument
@click.option("--all", "everything", is_flag=True, help="Those of the last 24 hours of any status, not only open ones.")
@_common
def listing(*, symbol: str, everything: bool, output: str, base_url: str | None, config: Path | None) -> int:
    """Orders as the exchange has them, ours and those placed elsewhere."""
    with venue(base_url, config, signed=True) as place:
        calls, zone = place.account, place.zone
        since = place.connection.calls.time() - DAY_MS + 1
        found = calls.all_orders(symbol, span=(since, None), limit=1000) if everything else calls.open_orders(symbol)
    if output == "json":
        return emit_json({"orders": found})
    nothing = "no orders" if everything else "no open orders"
    say(
        listed((Column("placed", lambda one: time_with_utc(one.created_ms, zone)), *_COLUMNS), found)
        if found
        else nothing
    )
    return 0


@command.command("test")
@_order_options
@click.option("--rates", is_flag=True, help="Also the commission that this order would pay.")
@_common
def test(*, rates: bool, output: str, base_url: str | None, config: Path | None, **what: Any) -> int:
    """Let the exchange check an order without placing it: parameters, signature, filters; not the balance."""
    asked = _request(what, TEST_ID)
    with venue(base_url, config, signed=True) as place:
        found = place.account.test_order(asked, rates=rates)
    if output == "json":
        return emit_json({"accepted": True, "order": asked, "rates": found})
    say(f"the exchange would take it: {asked.side} {plain(asked.quantity)} {asked.symbol} at {plain(asked.price)}")
    if found.standard is not None:
        say(f"commission: maker {plain(found.standard.maker * 100)}%, taker {plain(found.standard.taker * 100)}%")
    return 0


def _request(what: dict[str, Any], client_order_id: str) -> OrderRequest:
    """The order that the words describe. Raises UsageError for words that contradict each other."""
    if what["post_only"] and what["tif"] != "GTC":
        raise UsageError("--post-only orders stand till cancelled", hint="leave --tif out")
    return OrderRequest(
        symbol=what["symbol"],
        side=Side(what["side"].upper()),
        type=OrderType.LIMIT_MAKER if what["post_only"] else OrderType.LIMIT,
        price=what["price"],
        quantity=what["quantity"],
        tif=TimeInForce(what["tif"]),
        client_order_id=client_order_id,
    )


def _placed(output: str, asked: OrderRequest, facts: Mapping[str, Any], code: int, *, live: bool) -> int:
    """What came of an order, for people and for machines."""
    if output == "json":
        return emit_json({"live": live, **facts}, code)
    state = str(facts.get("status") or facts.get("state")).replace("_", " ").lower()
    quote = yen_quote(asked.symbol)
    what = f"{asked.side} {grouped(asked.quantity)} {asked.symbol} @ {price_text(asked.price, quote).strip()}"
    number = f"  order {facts['order_id']}" if facts.get("order_id") is not None else ""
    executed = f", {facts['executed']} executed" if facts.get("executed") not in (None, "0") else ""
    reason = f": {facts['reason']}" if facts.get("reason") else ""
    say(printable(f"{_mode(live)}  {what}  {state}{executed}{reason}{number}  {facts['client_order_id']}"))
    _explain(facts)
    return code


def _cancelled(output: str, symbol: str, facts: Mapping[str, Any], code: int, *, live: bool) -> int:
    if output == "json":
        return emit_json({"live": live, "symbol": symbol, **facts}, code)
    status = str(facts.get("status") or "fate unknown").replace("_", " ").lower()
    executed = f", {facts['executed']} executed" if facts.get("executed") not in (None, "0") else ""
    reason = f": {facts['reason']}" if facts.get("reason") else ""
    say(printable(f"{_mode(live)}  cancel {facts['client_order_id']}  {status}{executed}{reason}"))
    return code


def _mode(live: bool) -> str:  # noqa: FBT001 - a fact to show, not a switch
    return "LIVE" if live else "DRY-RUN"


def _explain(facts: Mapping[str, Any]) -> None:
    if facts.get("state") in {"UNKNOWN", "MISMATCH", "SENT"}:
        note("its fate is not known: do not place it again; the service or the next command asks the exchange")
