"""What a cycle is made of, and what it reports: the parts that are plugged in, and one tick's doings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autotrader.engine.outcome import Decision, Notice
from autotrader.language.plan import Plan
from autotrader.language.requests import CancelOrder, NotifyRequest, PlaceRequest
from autotrader.market.instrument import Instrument
from autotrader.market.needs import MarketNeed, Need
from autotrader.ports import Broker, Clock, MarketData, Notifier
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.gate import Gate
from autotrader.trading.gateway import Gateway
from autotrader.trading.observer import Observation, Observer
from autotrader.trading.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is plugged in. `before_orders` is looked at whenever an order may come: whether the exchange runs normally,
    where it can be asked; under maintenance every word of the market is unknown, and unknown places nothing.
    `plan_text` is the hash under which the store keeps the text of rules and settings.
    """

    plan: Plan
    plan_text: str
    instruments: Mapping[str, Instrument]
    market: MarketData
    broker: Broker
    clock: Clock
    store: Store
    gate: Gate
    gateway: Gateway
    resolver: Resolver
    observer: Observer
    notifier: Notifier
    before_orders: frozenset[MarketNeed] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """What one tick did, for the status line, the log and `run --once`. `number` is 0 where nothing was decided."""

    now_ms: int
    number: int = 0
    decisions: tuple[Decision, ...] = ()
    placed: tuple[PlaceRequest, ...] = ()
    denied: tuple[tuple[PlaceRequest, str], ...] = ()
    cancels: tuple[CancelOrder, ...] = ()
    observation: Observation = field(default_factory=Observation)
    notices: tuple[Notice, ...] = ()
    messages: tuple[NotifyRequest, ...] = ()
    missing: Mapping[Need, str] = field(default_factory=dict)
    missed: int = 0
