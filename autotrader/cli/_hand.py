"""Orders by hand: the running service does it where one holds the store, else this process opens the world itself.

Both ways end in `service.hand`: the same limits, the same journal, one POST per intent. Exit codes: 0 done, 4 refused
by our limits, 5 not sent or of unknown fate, 6 refused by the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotrader.cli._folders import folders
from autotrader.cli._worlds import NOT_ARMED, permission_of, project_of, world_of
from autotrader.errors import SafetyRefused
from autotrader.orders import OrderRequest, OrderType
from autotrader.records.places import store_dir
from autotrader.runtime import Runtime, identity_of
from autotrader.service.control import ask_service
from autotrader.service.hand import Wanted, cancel_by_hand, place_by_hand, wanted_to
from autotrader.structs import dataclass

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


def place(asked: OrderRequest, where: Where, cancel_after_ms: int | None = None) -> tuple[Mapping[str, Any], int]:
    """Place one order; what came of it, and the exit code. Raises SafetyRefused where a limit denies it."""

    wanted = Wanted(
        symbol=asked.symbol, side=asked.side, price=asked.price, quantity=asked.quantity,
        post_only=asked.type is OrderType.LIMIT_MAKER, tif=asked.tif, cancel_after_ms=cancel_after_ms,
    )  # fmt: skip
    facts = _done("order", wanted_to(wanted), lambda world: place_by_hand(world, wanted), where)
    return facts, _PLACED.get(str(facts.get("state")), UNCLEAR)


def cancel(order: str, where: Where) -> tuple[Mapping[str, Any], int]:
    """Cancel one of our orders by client order id or the venue's. Raises UsageError where it is not ours."""

    facts = _done("cancel", {"id": order}, lambda world: cancel_by_hand(world, order), where)
    return facts, _CANCELLED.get(str(facts.get("state")), UNCLEAR)


def _done(
    command: str, arguments: Mapping[str, object], work: Callable[[Runtime], Mapping[str, Any]], where: Where
) -> Mapping[str, Any]:

    project = project_of(where.config, where.base_url)
    permission = permission_of(project) if where.live else None
    fingerprint = "" if permission is None else permission[1].fingerprint
    identity = identity_of(project.settings, live=where.live, fingerprint=fingerprint)
    reply = ask_service(store_dir(folders(where.state).state, identity), command, arguments)
    if reply is not None:
        return {**reply.checked(), "by": "service"}
    with world_of(project, where.state, live=where.live, permission=permission) as world:
        started = world.start()
        if started.failures:  # a difference that waits for a word forbids orders in the gate, and no cancel
            raise SafetyRefused("not armed: " + "; ".join(started.failures), hint=NOT_ARMED)
        return {**work(world), "by": "this command"}
