"""A small world for engine tests: rules, sources and a stepping driver, all plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from autotrader.engine.advance import Result, settled
from autotrader.engine.decide import decide
from autotrader.engine.due import due
from autotrader.engine.outcome import Decision, Outcome
from autotrader.engine.requests import Context
from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.language.actions.notify import Notify
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.plan import Branch, CompiledRule, Every, Plan
from autotrader.language.requests import PlaceRequest, Request
from autotrader.language.settings import Settings
from autotrader.language.tree import Condition, For, Kind, Literal, Place, Relation, Term, Unit
from autotrader.language.walk import tree_terms
from autotrader.market.account import Account, OwnOrder, OwnRecord
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BalancesNeed, BookNeed, TickerNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.orders import Balance, Fill, Order, OrderStatus, Side

D = Decimal
PLACE = Place("rules/dip.yaml", 1, 1)
JPY = Unit(Kind.PRICE, "JPY")
PERCENT = Unit(Kind.PERCENT)
NUMBER = Unit(Kind.NUMBER)
START = 1_700_000_010_000 // 30_000 * 30_000
SYMBOL = "BTCJPY"

BTCJPY = Instrument(
    symbol=SYMBOL, base="BTC", quote="JPY", tick=D(1), min_price=D(1), max_price=D(1_000_000_000),
    step=D("0.00001"), min_quantity=D("0.00001"), max_quantity=D(9000), min_notional=D(100), fetched_ms=START,
    order_types=frozenset({"LIMIT", "LIMIT_MAKER"}),
)  # fmt: skip


def lit(number: str | int, unit: Unit = JPY, text: str = "") -> Literal:
    """A literal."""
    return Literal(D(number), unit, text or f"{number}")


def term(word: str, unit: Unit = JPY, symbol: str = SYMBOL, **more: Any) -> Term:
    """A term of BTCJPY."""
    return Term(word, symbol, unit, **more)


LAST = term("last")
CHANGE = term("change_24h", PERCENT)
BID, ASK = term("bid"), term("ask")


def compare(left: Any, op: Any, right: Any, key: str = "when[0]") -> Relation:
    """A comparison."""
    text = f"{getattr(left, 'word', '?')} {op} {getattr(right, 'text', '?')}"
    return Relation(key=key, text=text, place=PLACE, name=op, sides=(left, right))


def below(price: int, key: str = "when[0]") -> Relation:
    """`last < price`."""
    return compare(LAST, "<", lit(price), key)


def held(part: Any, span_ms: int, key: str = "when[0]") -> For:
    """`part for span`."""
    return For(key=key, text=f"{part.text} for {span_ms // 1000}s", place=PLACE, part=part, span_ms=span_ms)


def buy(spend: int = 10_000, price: Any = BID, **more: Any) -> PlaceOrder:
    """A buy of some yen at a price."""
    return PlaceOrder(side=Side.BUY, spend=lit(spend, Unit(Kind.AMOUNT, "JPY")), price=price, place=PLACE, **more)


def notify(*parts: Any) -> Notify:
    """A notification."""
    return Notify(parts=parts or ("hello",), place=PLACE)


def rule(when: Condition | None = None, *actions: Any, name: str = "dip", **more: Any) -> CompiledRule:
    """A rule of BTCJPY, every 30 s unless said otherwise."""
    branches = more.pop("branches", (Branch("then", None, actions or (notify(),)),))
    conditions = [c for c in (when, more.get("rearm_when"), *(b.condition for b in branches)) if c is not None]
    terms = dict.fromkeys(t for c in conditions for t in tree_terms(c))
    action_terms: dict[Term, None] = {}
    for branch in branches:
        for action in branch.actions:
            for value in _values(action):
                action_terms |= dict.fromkeys(tree_terms(value))
    fields: dict[str, Any] = {
        "id": name, "symbol": SYMBOL, "place": PLACE, "trigger": Every(30_000), "when": when, "branches": branches,
        "needs": frozenset({TickerNeed(SYMBOL)}), "terms": tuple(terms), "action_terms": tuple(action_terms),
        "hash": f"hash-{name}", "when_hash": f"when-{name}",
    }  # fmt: skip
    return CompiledRule(**{**fields, **more})


def _values(action: Any) -> Iterable[Any]:
    if isinstance(action, Notify):
        return [part for part in action.parts if isinstance(part, Term | Literal)]
    names = ("spend", "size", "max_spend", "max_size", "price", "further_than")
    found = [getattr(action, name, None) for name in names]
    return [value for value in found if value is not None and not hasattr(value, "max_slippage")]


def plan(*rules: CompiledRule, **settings: Any) -> Plan:
    """A plan of some rules."""
    numbered = tuple(replace(r, order=index) for index, r in enumerate(rules))
    return Plan(rules=numbered, settings=Settings(file="autotrader.yaml", **settings), needs=frozenset(), hash="plan")


def ticker(now_ms: int, last: int | str = 100_000, change: str = "0", symbol: str = SYMBOL) -> Ticker:
    """A ticker that was asked for just now."""
    value = D(last)
    return Ticker(symbol=symbol, last=value, open=value, high=value, low=value, volume=D(1), turnover=value,
                  change=D(change), open_time_ms=now_ms - 86_400_000, close_time_ms=now_ms,
                  asked_ms=now_ms)  # fmt: skip


def book(now_ms: int, bid: int | str = 99_990, ask: int | str = 100_010, symbol: str = SYMBOL) -> Book:
    """A book that was asked for just now."""
    return Book(symbol=symbol, bids=((D(bid), D(5)),), asks=((D(ask), D(5)),), asked_levels=5, update_id=1,
                asked_ms=now_ms)  # fmt: skip


def sources(now_ms: int, last: int | str | None = 100_000, *, change: str = "0", bid: int | None = 99_990,
            record: OwnRecord | None = None, account: Account | None = None, **more: Any) -> Sources:  # fmt: skip
    """Sources with a ticker and a book of now; None leaves one out."""
    from autotrader.market.needs import StatusNeed

    seen: dict[Any, Any] = {StatusNeed(): ExchangeStatus(True, "", now_ms)}
    if last is not None:
        seen[TickerNeed(SYMBOL)] = ticker(now_ms, last, change)
    if bid is not None:
        seen[BookNeed(SYMBOL, 5)] = book(now_ms, bid, bid + 20)
    seen |= more.pop("seen", {})
    fields: dict[str, Any] = {
        "record": record or OwnRecord(), "account": account or account_of(now_ms), "instruments": {SYMBOL: BTCJPY},
    }  # fmt: skip
    return Sources(now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms, seen=seen), **{**fields, **more})


def account_of(now_ms: int, jpy: int | str = 1_000_000, btc: int | str = 1, **more: Any) -> Account:
    """An account with some yen and bitcoin, asked for just now."""
    balances = {"JPY": Balance("JPY", D(jpy), D(0)), "BTC": Balance("BTC", D(btc), D(0))}
    asked = {"orders_asked_ms": dict.fromkeys(more.get("open_orders", ()), now_ms)}
    return Account(balances=balances, balances_asked_ms=now_ms, **{**asked, **more})


def own(cid: str = "at-test-1", state: str = "open", **more: Any) -> OwnOrder:
    """An order of ours."""
    fields: dict[str, Any] = {
        "client_order_id": cid, "order_id": 1, "rule": "dip", "symbol": SYMBOL, "side": Side.BUY, "price": D(99_000),
        "quantity": D("0.1"), "executed": D(0), "quote_executed": D(0), "placed_ms": START, "cancel_at_ms": None,
        "tag": "", "labels": (), "state": state,
    }  # fmt: skip
    return OwnOrder(**{**fields, **more})


def fill(side: Side, price: int | str, quantity: str, time_ms: int, **more: Any) -> Fill:
    """One of our fills."""
    fields: dict[str, Any] = {
        "symbol": SYMBOL, "trade_id": 1, "order_id": 1, "side": side, "price": D(price), "quantity": D(quantity),
        "quote": D(price) * D(quantity), "fee": D(0), "fee_asset": "JPY", "time_ms": time_ms, "is_maker": False,
    }  # fmt: skip
    return Fill(**{**fields, **more})


def venue_order(request: PlaceRequest, status: OrderStatus = OrderStatus.NEW) -> Order:
    """The venue's order for a request."""
    order = request.order
    return Order(symbol=order.symbol, order_id=7, client_order_id=order.client_order_id, side=order.side,
                 type=order.type, tif=order.tif, price=order.price, quantity=order.quantity, executed=D(0),
                 quote_executed=D(0), status=status, created_ms=START, updated_ms=START)  # fmt: skip


@dataclass
class World:
    """Steps a plan from slot to slot, as the cycle does, and keeps what came out."""

    plan: Plan
    now_ms: int = START
    states: Mapping[StateKey, RuleState] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    last_ms: int | None = None
    context: Context = field(default_factory=lambda: Context(store_id="test"))
    record: OwnRecord = field(default_factory=OwnRecord)
    requests: list[Request] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    missed: int = 0

    def step(self, last: int | str | None = 100_000, after_ms: int = 30_000, **more: Any) -> Outcome:
        """One cycle at `now`, then time moves on."""
        look = more.pop("sources", None) or sources(self.now_ms, last, record=self.record, **more)
        found = due(self.plan, self.states, self.runs, self.record.orders, self.last_ms, self.now_ms)
        outcome = decide(self.plan, found, look, self.states, self.runs, self.context)
        self.missed += sum(found.missed.values())
        self.states, self.runs = outcome.states, tuple(run for run in outcome.runs if not run.is_over)
        self.requests += outcome.requests
        self.notices += [notice.text for notice in outcome.notices]
        self.decisions += outcome.decisions
        self.last_ms, self.now_ms = self.now_ms, self.now_ms + after_ms
        return outcome

    def answer(self, result: Any, request: Any = None) -> None:
        """Give the answer to the latest order or cancel request."""
        chosen = request or [r for r in self.requests if hasattr(r, "id")][-1]
        for run in self.runs:
            rule_of = next(r for r in self.plan.rules if (r.id, r.symbol) == (run.rule, run.symbol))
            steps = len(rule_of.branches[run.branch].actions)
            step = settled(run, self.states.get(run.state_key), chosen.id, result, steps)
            self.runs = tuple(step.run if other.key == run.key else other for other in self.runs)
            if step.state is not None:
                self.states = {**self.states, run.state_key: step.state}
        self.runs = tuple(run for run in self.runs if not run.is_over)

    def state(self, name: str = "dip", order: str = "") -> RuleState:
        """The state of a rule."""
        return self.states[StateKey(name, SYMBOL, order)]

    @property
    def orders(self) -> list[PlaceRequest]:
        """The order requests so far."""
        return [request for request in self.requests if isinstance(request, PlaceRequest)]

    @property
    def fired(self) -> int:
        """How often a rule has fired."""
        return sum(decision.fired for decision in self.decisions)


RESULT_TYPES = Result
BALANCES = BalancesNeed()
