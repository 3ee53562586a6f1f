"""The kinds of tampering of `prove tamper`: each act of `tampering_acts` by its name, over every table and column."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from autotrader.prove import tampering_acts as acts
from autotrader.prove.tampering_acts import Copy


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of tampering. `needs_head`: only a head that was told elsewhere can show it; all else must be found
    without one.
    """

    name: str
    act: Callable[[Copy, random.Random], None]
    needs_head: bool = False


_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "chain": ("time_ms", "kind", "subject", "body", "prev", "hash"),
    "intents": (
        "rule", "symbol", "side", "price", "quantity", "state", "sent_ms", "horizon_ms", "reason", "fault", "looks",
        "given_back", "cycle", "slot_ms",
    ),
    "orders": ("rule", "side", "price", "quantity", "executed", "status", "booked", "settled", "updated_ms", "tag"),
    "fills": ("price", "quantity", "quote", "fee", "fee_asset", "time_ms", "rule", "is_maker"),
    "cancels": ("client_order_id", "cycle", "asked_by", "state", "reason", "sent_ms", "id"),
    "evaluations": ("cycle", "time_ms", "plan", "body"),
    "evaluated": ("rule", "cycle"),
    "rule_names": ("name", "id"),
    "texts": ("hash", "text"),
    "settings": ("key", "value"),
    "states": ("rule", "body"),
    "counters": ("name", "value"),
    "meta": ("value",),
}  # fmt: skip
TABLES: Final = tuple(_COLUMNS)
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "intents": ("client_order_id",),
    "orders": ("client_order_id", "order_id"),
    "fills": ("trade_id",),
    "cancels": ("id", "cycle"),
    "evaluations": ("cycle",),
    "evaluated": ("cycle",),
    "texts": ("hash",),
    "settings": ("key",),
    "states": ("rule",),
    "counters": ("name",),
}

KINDS: Final[tuple[Kind, ...]] = (
    *(Kind(f"{table}.{one} altered", acts.altered(table, one)) for table, names in _COLUMNS.items() for one in names),
    *(Kind(f"row removed from {table}", acts.removed(table)) for table in ("chain", *_KEYS)),
    *(Kind(f"row added to {table}", acts.added(table, key)) for table, key in _KEYS.items()),
    Kind("halt lifted", acts.statement("UPDATE settings SET value = 'null' WHERE key = 'halt'")),
    Kind("halt forgotten", acts.statement("DELETE FROM settings WHERE key = 'halt'")),
    Kind("trigger added", acts.statement("CREATE TRIGGER quiet AFTER INSERT ON fills BEGIN SELECT 1; END")),
    Kind("index dropped", acts.statement("DROP INDEX fills_by_time")),
    Kind("table added", acts.statement("CREATE TABLE hidden (x)")),
    Kind("rows swapped", acts.swap),
    Kind("rows reordered", acts.reorder),
    Kind("row removed, others renumbered", acts.close_gap),
    Kind("end cut off", acts.cut),
    Kind("row added at the end", acts.append),
    Kind("act altered, all rehashed", acts.rehash_tail),
    Kind("all rewritten with checkpoints, no HMAC", acts.rewrite_both(acts.no_mac)),
    Kind("all rewritten with checkpoints, random HMAC", acts.rewrite_both(acts.random_mac)),
    Kind("all rewritten with checkpoints, HMAC of another key", acts.rewrite_both(acts.own_mac)),
    Kind("all rewritten with checkpoints, HMAC of the true ones", acts.rewrite_both(acts.old_mac)),
    Kind("end cut off with its checkpoints", acts.cut_both, needs_head=True),
    Kind("checkpoints cut off", acts.heads_changed(acts.cut_lines)),
    Kind("checkpoint altered", acts.heads_changed(acts.alter_line)),
    Kind("checkpoint renumbered", acts.heads_changed(acts.renumber_line)),
    Kind("checkpoints swapped", acts.heads_changed(acts.swap_lines)),
    Kind("HMACs removed", acts.heads_changed(acts.unsigned_lines)),
    Kind("checkpoint added", acts.heads_changed(acts.foreign_line)),
    Kind("checkpoints removed", acts.no_heads),
    Kind("bytes of the checkpoints overwritten", acts.garbage_heads),
    Kind("old database put back", acts.old_database),
    Kind("old checkpoints put back", acts.old_heads),
    Kind("old copy of everything put back", acts.old_everything, needs_head=True),
    Kind("bytes of the database overwritten", acts.garbage_page),
    Kind("a bit of the database flipped", acts.flip_bit),
    Kind("database file cut off", acts.cut_file),
)  # fmt: skip
