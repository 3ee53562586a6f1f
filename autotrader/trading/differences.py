"""Differences to the venue that wait for a person's word, and that word.

A difference is about one order that bears our name: the venue has it and we never made it (an old copy of the records
was put back), it ended here and is open there, or a trade of it is in our books only. While one waits, nothing is
placed (`Store.read_only`), the order counts in every limit, and no rule and no timer touches it. `adopt` makes it ours
in every sense; `ignore` leaves it alone for good. Both are acts of the chain.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from autotrader.errors import UsageError
from autotrader.market.account import IGNORED, LEFT_ALONE
from autotrader.records.store import Store
from autotrader.structs import dataclass

Word = Literal["adopt", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One that waits. `text` says what differs; the rest is the order as it is known now."""

    client_order_id: str
    text: str
    order_id: int | None = None
    symbol: str = ""
    side: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    executed: Decimal | None = None
    state: str = ""
    is_open: bool = False


def waiting(store: Store) -> tuple[Difference, ...]:
    """Every difference that waits for a word."""
    return tuple(_described(store, cid, text) for cid, text in store.settings.get("unexplained", {}).items())


def _described(store: Store, cid: str, text: str) -> Difference:
    row = store.orders.get(cid)
    if row is None:
        return Difference(client_order_id=cid, text=text)
    order = row.order
    return Difference(
        client_order_id=cid, text=text, order_id=order.order_id, symbol=order.symbol, side=order.side.value,
        price=order.price, quantity=order.quantity, executed=order.executed, state=order.status.value,
        is_open=order.is_open,
    )  # fmt: skip


def note_difference(store: Store, cid: str, text: str, now_ms: int) -> None:
    """Let a difference wait for a word, and record that people must know."""
    with store.transaction():
        store.notice(now_ms, "critical", text, order=cid)
        unexplained = store.settings.get("unexplained", {})
        store.settings.set("unexplained", {**unexplained, cid: text}, now_ms)


def has_word(store: Store, cid: str) -> bool:
    """Whether a person has said something about this order before: the same is not asked twice."""
    return bool(store.chain.latest(1, kind="difference", subject=cid))


def meant_by(store: Store, order: str) -> str:
    """The client order id of the waiting difference that is meant: by either id, or by the beginning of one.

    Raises UsageError for none or several.
    """
    found = waiting(store)
    exact = [one for one in found if order in (one.client_order_id, str(one.order_id))]
    begins = [one for one in found if order and _begins(one, order)]
    chosen = exact or begins
    if len(chosen) == 1:
        return chosen[0].client_order_id
    names = ", ".join(one.client_order_id for one in chosen or found) or "none"
    if chosen:
        raise UsageError(f"`{order}` is the beginning of {len(chosen)} orders: {names}", hint="write more of it")
    raise UsageError(f"order {order} is not waiting for a decision", hint=f"waiting: {names}")


def _begins(one: Difference, order: str) -> bool:
    """The end of the name tells orders of one store apart, so its beginning may be left out."""
    tail = one.client_order_id.rpartition("-")[2]
    return any(name.startswith(order) for name in (one.client_order_id, tail, str(one.order_id or "")))


def settle_difference(store: Store, cid: str, verdict: Word, now_ms: int) -> None:
    """A person's word on an order that start-up could not explain: keep it as ours, or look away from it.

    Either way it stays in the records and in the limits while it is open. Raises UsageError for an id that is not
    waiting for a word.
    """
    unexplained = store.settings.get("unexplained", {})
    if cid not in unexplained:
        names = ", ".join(unexplained) or "none"
        raise UsageError(f"order {cid} is not waiting for a decision", hint=f"waiting: {names}")
    with store.transaction():
        text = unexplained.pop(cid)
        store.settings.set("unexplained", unexplained, now_ms)
        store.chain.append(now_ms, "difference", cid, {"verdict": verdict, "text": text})
        row = store.orders.get(cid)
        if row is not None:
            kept = tuple(label for label in row.labels if label not in LEFT_ALONE)
            store.orders.relabel(cid, (*kept, IGNORED) if verdict == "ignore" else kept, now_ms)
