"""The kinds of tampering of `prove tamper`: each act of `tampering_acts` by its name, over every table and column."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from autotrader.prove import tampering_acts as acts
from autotrader.prove.tampering_acts import Copy


@dataclass(frozen=True, slots=True)
class Tampering:
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

KINDS: Final[tuple[Tampering, ...]] = (
    *(
        Tampering(f"{table}.{name} altered", acts.altered(table, name))
        for table, names in _COLUMNS.items()
        for name in names
    ),
    *(Tampering(f"row removed from {table}", acts.removed(table)) for table in ("chain", *_KEYS)),
    *(Tampering(f"row added to {table}", acts.added(table, key)) for table, key in _KEYS.items()),
    Tampering("halt lifted", acts.statement("UPDATE settings SET value = 'null' WHERE key = 'halt'")),
    Tampering("halt forgotten", acts.statement("DELETE FROM settings WHERE key = 'halt'")),
    Tampering("trigger added", acts.statement("CREATE TRIGGER quiet AFTER INSERT ON fills BEGIN SELECT 1; END")),
    Tampering("index dropped", acts.statement("DROP INDEX fills_by_time")),
    Tampering("table added", acts.statement("CREATE TABLE hidden (x)")),
    Tampering("rows swapped", acts.swap),
    Tampering("rows reordered", acts.reorder),
    Tampering("row removed, others renumbered", acts.close_gap),
    Tampering("end cut off", acts.cut),
    Tampering("row added at the end", acts.append),
    Tampering("act altered, all rehashed", acts.rehash_tail),
    Tampering("all rewritten with checkpoints, no HMAC", acts.rewrite_both(acts.no_mac)),
    Tampering("all rewritten with checkpoints, random HMAC", acts.rewrite_both(acts.random_mac)),
    Tampering("all rewritten with checkpoints, HMAC of another key", acts.rewrite_both(acts.own_mac)),
    Tampering("all rewritten with checkpoints, HMAC of the true ones", acts.rewrite_both(acts.old_mac)),
    Tampering("end cut off with its checkpoints", acts.cut_both, needs_head=True),
    Tampering("checkpoints cut off", acts.heads_changed(acts.cut_lines)),
    Tampering("checkpoint altered", acts.heads_changed(acts.alter_line)),
    Tampering("checkpoint renumbered", acts.heads_changed(acts.renumber_line)),
    Tampering("checkpoints swapped", acts.heads_changed(acts.swap_lines)),
    Tampering("HMACs removed", acts.heads_changed(acts.unsigned_lines)),
    Tampering("checkpoint added", acts.heads_changed(acts.foreign_line)),
    Tampering("checkpoints removed", acts.no_heads),
    Tampering("bytes of the checkpoints overwritten", acts.garbage_heads),
    Tampering("old database put back", acts.old_database),
    Tampering("old checkpoints put back", acts.old_heads),
    Tampering("old copy of everything put back", acts.old_everything, needs_head=True),
    Tampering("bytes of the database overwritten", acts.garbage_page),
    Tampering("a bit of the database flipped", acts.flip_bit),
    Tampering("database file cut off", acts.cut_file),
)  # fmt: skip
