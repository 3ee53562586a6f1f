"""Carrying out: cancels first, then sells, then buys, one after the other; and finding the answers in the journal.

Cancels come first because they free money and orders; sells before buys because they bring the quote in. Each order
is one call of the gateway, which sends it at most once, ever. Orders that are not this store's (`owner: anyone`) are
cancelled directly, with an act in the chain: they have no journal row of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autotrader.engine.advance import Result
from autotrader.engine.state import Run
from autotrader.errors import AutotraderError
from autotrader.language.requests import CancelOrder, PlaceRequest
from autotrader.orders import DecisionKey, NotSent, Rejected, Side, Unknown, client_order_id, is_ours
from autotrader.ports import Broker, Clock
from autotrader.records.store import Store
from autotrader.trading.gateway import Gateway
from autotrader.trading.results import cancelled, result_of


class Carrier:
    """Sends what was approved, and answers runs from the journal."""

    def __init__(self, store: Store, gateway: Gateway, broker: Broker, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._broker = broker
        self._clock = clock
        self._foreign: dict[str, Result] = {}  # this turn's answers about orders without a row of ours

    def carry_out(self, number: int, places: Iterable[PlaceRequest], cancels: Iterable[CancelOrder]) -> None:
        """Cancels, sells, buys. Raises RecordsBroken where a row could not be written; then nothing more is sent."""
        self._foreign.clear()
        for cancel in cancels:
            self._cancel(number, cancel)
        for request in sorted(places, key=lambda request: request.order.side is Side.BUY):
            self._gateway.submit(request.id)

    def _cancel(self, number: int, cancel: CancelOrder) -> None:
        if is_ours(cancel.request.client_order_id, self._store.id):
            asked_by = "timer" if cancel.run is None else cancel.run[0]
            self._gateway.cancel(cancel.id, cycle=number, asked_by=asked_by, because=cancel.reason)
            return
        with self._store.transaction() as store:
            body = {"symbol": cancel.request.symbol, "order": cancel.request.order_id, "because": cancel.reason}
            store.chain.append(self._clock.now_ms(), "cancel-foreign", cancel.id, body)
        self._foreign[cancel.id] = self._cancel_foreign(cancel)

    def _cancel_foreign(self, cancel: CancelOrder) -> Result:
        """What is unclear gives the firing back: the rule looks at the venue's list again and decides anew."""
        try:
            result = self._broker.cancel(cancel.request)
        except AutotraderError as error:
            return NotSent(error.message)
        if isinstance(result, Unknown):
            return NotSent(result.reason)
        return replace(result, fault="outside") if isinstance(result, Rejected) else result

    def answer(self, run: Run, request_id: str) -> Result | None:
        """What became of a request that a run waits for; None where nobody knows yet."""
        key = DecisionKey(
            store_id=self._store.id,
            rule=run.rule,
            symbol=run.symbol,
            order_id=run.order,
            slot_ms=run.slot_ms,
            step=run.step,
        )
        if request_id == client_order_id(key):
            return result_of(self._store, request_id) or NotSent("it was never written to the journal")
        if is_ours(request_id, self._store.id):
            return cancelled(self._store, request_id)
        return self._foreign.get(request_id, NotSent("the program ended before the cancellation was confirmed"))
