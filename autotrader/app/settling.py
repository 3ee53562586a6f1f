"""A person's word on what start-up could not explain: by way of the running service, else in the idle store.

A service takes the word, compares with the exchange once more and goes on; without one the word is kept, and the next
start finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autotrader.app.told import ask_service, open_idle
from autotrader.errors import UsageError
from autotrader.records.places import stores_in
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.differences import Difference, Word, meant_by, settle_difference, waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of a word. `armed` is None where no service runs; `reasons` say why one is not. `left` wait still."""

    folder: Path
    word: Word
    difference: Difference
    armed: bool | None
    reasons: tuple[str, ...]
    left: tuple[str, ...]


def waiting_in(state: Path) -> dict[Path, tuple[Difference, ...]]:
    """What waits for a word, by store, in every store at or below a folder. Raises RecordsBroken."""
    found = {}
    for folder in stores_in(state):
        with Store.read(folder) as store:
            differences = waiting(store)
        if differences:
            found[folder] = differences
    return found


def settle(state: Path, order: str, word: Word, now_ms: Callable[[Path], int]) -> Settled:
    """Say `adopt` or `ignore` to one order. `now_ms` gives a store's time. Raises UsageError where none is meant."""
    folder, difference = _meant(state, order)
    cid = difference.client_order_id
    reply = ask_service(folder, word, {"order": cid})
    if reply is None:
        moment = now_ms(folder)
        with open_idle(folder, moment) as store:
            settle_difference(store, cid, word, moment)
            left = tuple(one.client_order_id for one in waiting(store))
        return Settled(folder=folder, word=word, difference=difference, armed=None, reasons=(), left=left)
    facts = reply.checked()
    return Settled(
        folder=folder, word=word, difference=difference, armed=bool(facts["armed"]),
        reasons=tuple(map(str, facts["reasons"])), left=tuple(map(str, facts["left"])),
    )  # fmt: skip


def _meant(state: Path, order: str) -> tuple[Path, Difference]:
    found: list[tuple[Path, Difference]] = []
    said = UsageError(f"order {order} is not waiting for a decision", hint="waiting: none")
    for folder in waiting_in(state):
        with Store.read(folder) as store:
            try:
                cid = meant_by(store, order)
            except UsageError as error:
                said = error
                continue
            found += [(folder, one) for one in waiting(store) if one.client_order_id == cid]
    if len(found) > 1:
        names = ", ".join(folder.name for folder, _ in found)
        raise UsageError(f"{len(found)} stores have an order {order}: {names}", hint=f"name one: --state {found[0][0]}")
    if not found:
        raise said
    return found[0]
