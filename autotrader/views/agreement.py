"""`audit reconcile`: a store beside its exchange. It signs what only looks, and no order; the store is only read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from autotrader.errors import ConfigError
from autotrader.exchanges import open_venue
from autotrader.exchanges.paper_account import KEPT_FILLS, KEPT_ORDERS, STARTED_OVER, from_text
from autotrader.exchanges.secret import Credentials
from autotrader.exchanges.venue import Venue
from autotrader.market.exchanges import exchange_at
from autotrader.ports import Broker
from autotrader.records.store import Store
from autotrader.runtime import paper_broker
from autotrader.trading.agree import Agreement, compare
from autotrader.views.why import Explainer

AGAIN_SECONDS = 2.0  # a service may be about to book what differs


def reconciled(
    folder: Path,
    load_credentials: Callable[[], Credentials | None],
    since_ms: Callable[[int], int],
    sleep: Callable[[float], None] = time.sleep,
) -> Agreement:
    """Compare a store with its exchange. `since_ms` gives the beginning from the venue's time; the key is only loaded
    for a live store. What differs is looked at twice: the store may be written to meanwhile.

    Raises ConfigError without the store's own key, ExchangeUnavailable, ExchangeRefused, RecordsBroken.
    """
    with Store.read(folder) as store:
        credentials = _credentials(store, load_credentials) if store.identity.mode == "live" else None
        url = store.identity.base_url
        with open_venue(name=exchange_at(url), url=url, credentials=credentials) as connection:
            connection.clock.sync()
            plan = Explainer(store).newest_plan()
            symbols = () if plan is None else tuple(rule.symbol for rule in plan.rules)
            begin_ms = max(since_ms(connection.clock.now_ms()), _remembered_ms(store))
            first = _compared(store, connection, symbols, begin_ms)
            if not first.unexplained:
                return first
            sleep(AGAIN_SECONDS)
            second = _compared(store, connection, symbols, begin_ms)
    before = {(one.kind, one.symbol, one.name) for one in first.unexplained}
    kept = tuple(one for one in second.findings if one.pending or (one.kind, one.symbol, one.name) in before)
    return replace(second, findings=kept)


def _compared(store: Store, connection: Venue, symbols: Iterable[str], since_ms: int) -> Agreement:
    broker: Broker = connection.broker or paper_broker(connection, store, {}, keeps=False)
    return compare(store, broker, symbols, since_ms, connection.clock.now_ms())


def _credentials(store: Store, load: Callable[[], Credentials | None]) -> Credentials:
    credentials, wanted = load(), store.identity.fingerprint
    if credentials is None or credentials.fingerprint != wanted:
        here = "there is none here" if credentials is None else f"the key here is {credentials.fingerprint}"
        raise ConfigError(
            f"this store was written with the API key {wanted}, and {here}",
            hint="set AUTOTRADER_API_KEY and its secret to that key; reading is enough",
        )
    return credentials


def _remembered_ms(store: Store) -> int:
    """From when on the exchange's side knows everything: 0, but for a paper account, which forgets old orders."""
    text: str | None = store.settings.get("paper")
    if text is None:
        return 0
    account = from_text(text)
    ended = [order.created_ms for order in account.orders.values() if not order.is_open]
    begun = [act.time_ms for act in store.chain.acts(kind="notice") if act.data["text"] == STARTED_OVER]
    orders_ms = min(ended) if len(ended) >= KEPT_ORDERS else 0
    fills_ms = account.fills[0].time_ms + 1 if len(account.fills) >= KEPT_FILLS else 0
    return max(orders_ms, fills_ms, *begun, 0)
