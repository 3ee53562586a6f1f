"""The working form: compiled rules and settings, without optional fields that the engine would have to ask about.

A rule over several symbols becomes one `CompiledRule` per symbol: each has its own state. Durations are
milliseconds, percentages percent points, money Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Literal as Only

from autotrader.language.facts import Fact
from autotrader.language.settings import Settings
from autotrader.language.tree import Condition, Place, Term, Value, Window
from autotrader.market.needs import Need
from autotrader.orders import Side, TimeInForce
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    """`every: 30s`: slots at multiples of the period since the epoch, venue time."""

    period_ms: int


@dataclass(frozen=True, slots=True)
class OnClose:
    """`on_close: 1h`: one slot at each close; looked at again every 2 s while the candle is late."""

    timeframe: str


@dataclass(frozen=True, slots=True)
class Daytime:
    """One entry of `at`: a minute of the day on some days. `days` are weekdays (0 = Monday) or, for `monthly`, empty
    with `month_day` set (a day that the month lacks is its last).
    """

    minute: int
    days: frozenset[int]
    month_day: int
    zone: str


@dataclass(frozen=True, slots=True)
class At:
    """`at: [...]` with `catch_up`: 0 = skip, else a missed time is made up once within that span."""

    times: tuple[Daytime, ...]
    catch_up_ms: int = 0


Trigger = Every | OnClose | At


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """`price: market`: limit, immediate or cancel, at the touch plus or minus `max_slippage` percent."""

    max_slippage: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """`buy` / `sell`. Exactly one of `spend` (quote) and `size` (base) is set; caps are in the same units."""

    side: Side
    spend: Value | None = None
    size: Value | None = None
    max_spend: Value | None = None
    max_size: Value | None = None
    price: Value | MarketPrice
    post_only: bool = False
    tif: TimeInForce = TimeInForce.GTC
    cancel_after_ms: int | None = None
    tag: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelThis:
    """`cancel` inside `for_each_order`."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrders:
    """`cancel_orders`: every open order of the symbol that matches all that is given. `further_than` in percent."""

    side: Side | None = None
    tag: str | None = None
    owner: Only["this_rule", "autotrader", "anyone"] = "autotrader"
    older_than_ms: int | None = None
    further_than: Value | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """`notify`: text parts in order; a `Value` is shown with its unit, `order.*` terms are the latest order's."""

    to: str = "default"
    level: Only["info", "warn", "critical"] = "info"
    parts: tuple[str | Fact | Value, ...]
    throttle_ms: int = 0
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRules:
    """`pause` (resume=False) or `resume` of rules by id or label; `span_ms` None = until resumed."""

    resume: bool
    rules: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    span_ms: int | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltTrading:
    """`halt`: no new order until a person resumes."""

    place: Place


Action = PlaceOrder | CancelThis | CancelOrders | Notify | PauseRules | HaltTrading


@dataclass(frozen=True, slots=True)
class Branch:
    """What to do, under which further condition (None: no condition: a plain `then`, or `else`)."""

    key: str
    condition: Condition | None
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """`for_each_order`: the orders that a per-order rule looks at."""

    side: Side | None
    owner: Only["this_rule", "autotrader", "anyone"]
    tag: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class MaxRuns:
    """`max_runs: 2 per day`: `window` is day, week, month (account's zone) or a rolling span in milliseconds."""

    count: int
    window: Only["day", "week", "month"] | int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule for one symbol, ready to run.

    `retry_for_ms` None = as long as the condition holds. `hash` covers the rule's text with its parameters and
    signals; `when_hash` only the condition: an edit that leaves it alone keeps `for` timers. `needs` are what its
    condition and branches read; `terms` every distinct term in them; `action_needs` / `action_terms` what its
    actions read in the cycle in which they run.
    """

    id: str
    symbol: str
    place: Place
    about: str = ""
    enabled: bool = True
    labels: tuple[str, ...] = ()
    trigger: Trigger
    between: tuple[Window, ...] = ()
    when: Condition | None
    rearm_when: Condition | None = None
    repeat_ms: int | None = None
    cooldown_ms: int = 0
    max_runs: MaxRuns | None = None
    retry_for_ms: int | None = None
    on_unknown: Only["skip", "alert", "fire"] = "skip"
    priority: int = 0
    order: int = 0  # position over all files, for the order within a cycle
    for_each_order: OrderFilter | None = None
    branches: tuple[Branch, ...]
    needs: frozenset[Need]
    terms: tuple[Term, ...]
    action_needs: frozenset[Need] = frozenset()
    action_terms: tuple[Term, ...] = ()
    hash: str
    when_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All rules that run together. `hash` covers every rule's hash and the settings that decisions depend on."""

    rules: tuple[CompiledRule, ...]
    settings: Settings
    needs: frozenset[Need]
    hash: str
    sources: Mapping[str, str] = field(default_factory=dict)  # file -> text, for excerpts and for the record
