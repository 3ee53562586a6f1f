"""The market and the dry-run account now, read without a hand.

No lock, no secret, no order, and nothing is written: the dry-run store (where there is one) is read for states, runs,
pauses and orders, and the paper account is carried forward in memory only. So it works beside a running service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from autotrader.engine.conditions import judge
from autotrader.engine.decide import decide
from autotrader.engine.due import LATEST_MS, Due, DueSlot, due, needs_of_due
from autotrader.engine.halt import Halt
from autotrader.engine.limits import review, review_needs
from autotrader.engine.observe import observe_condition, observe_terms
from autotrader.engine.requests import Context, Pause
from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.engine.values import Scalar, exact
from autotrader.errors import RecordsBroken, RulesInvalid, UsageError
from autotrader.exchanges import open_venue
from autotrader.exchanges.paper import PaperBroker
from autotrader.exchanges.venue import Venue, VenueSettings
from autotrader.files import find_account_file
from autotrader.language.expression import Scope
from autotrader.language.plan import Plan
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import ExchangeSettings, Settings
from autotrader.language.shapes import Moment
from autotrader.language.tree import Condition, Value
from autotrader.language.tryout import tried
from autotrader.language.vocabulary import needs_of, needs_of_condition
from autotrader.language.walk import tree_terms
from autotrader.market.account import Account, OwnRecord
from autotrader.market.exchanges import DEFAULT_ADDRESS
from autotrader.market.instrument import Instrument
from autotrader.market.needs import (
    BalancesNeed,
    Need,
    OpenOrdersNeed,
    merged,
)
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Missing, Sources
from autotrader.project import Project, read_project
from autotrader.records.places import DATABASE, store_dir, stores_in
from autotrader.records.store import Store
from autotrader.runtime import identity_of, paper_broker
from autotrader.structs import dataclass
from autotrader.trading.kept import Kept
from autotrader.trading.look import observe
from autotrader.views.plan import PlanView

NO_STORE = "plan"


@dataclass(slots=True, kw_only=True)
class ReadOnly:
    """An open connection with the dry-run account beside it. `store` is None where dry-run never ran."""

    settings: Settings
    connection: Venue
    broker: PaperBroker
    store: Store | None

    def observe(self, needs: frozenset[Need]) -> tuple[Snapshot, Account]:
        """Market and account, once."""
        return observe(self.connection.market, self.broker, self.connection.clock, needs)

    def record(self, now_ms: int) -> OwnRecord:
        """The dry-run store's own record."""
        zone = ZoneInfo(self.settings.timezone)
        return OwnRecord() if self.store is None else self.store.own_record(now_ms, zone)

    def sources(self, needs: frozenset[Need], instruments: Mapping[str, Instrument]) -> Sources:
        """Everything an evaluation may look at, now."""
        snapshot, account = self.observe(needs)
        now_ms = self.connection.clock.now_ms()
        return Sources(
            now_ms=now_ms, snapshot=snapshot, account=account, record=self.record(now_ms),
            health=self.connection.market.health(), instruments=instruments, zone=self.settings.timezone,
        )  # fmt: skip


@contextmanager
def open_read_only(settings: Settings, state: Path) -> Iterator[ReadOnly]:
    """Connect without a key and open the dry-run store for reading. Raises ExchangeUnavailable, ConfigError."""
    plain, at = VenueSettings(zone=ZoneInfo(settings.timezone)), settings.exchange
    with open_venue(plain, name=at.name, url=at.address) as connection:
        connection.clock.sync()
        folder = store_dir(state, identity_of(settings, live=False))
        store = Store.read(folder) if (folder / DATABASE).is_file() else None
        try:
            broker = paper_broker(connection, store, settings.paper, keeps=False)
            yield ReadOnly(settings=settings, connection=connection, broker=broker, store=store)
        finally:
            if store is not None:
                store.close()


# ------------------------------------------------------------------------------------------------------------ plan
@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """What the store remembers; nothing where there is none."""

    states: Mapping[StateKey, RuleState]
    runs: tuple[Run, ...]
    pauses: tuple[Pause, ...]
    halt: Halt | None
    store_id: str


def plan_now(project: Project, state: Path) -> PlanView:
    """Observe, decide for all enabled rules as if each were due now, review; then forget.

    Raises RulesInvalid, ExchangeUnavailable, RecordsBroken, ConfigError.
    """
    with open_read_only(project.settings, state) as here:
        first, _ = project.plan()
        symbols = sorted({*project.settings.symbols, *(rule.symbol for rule in first.rules)})
        instruments = here.connection.market.instruments(symbols) if symbols else {}
        plan, problems = project.plan(instruments)
        now_ms = here.connection.clock.now_ms()
        memory = _remembered(here.store, now_ms)
        found = _all_due(plan, memory, here.record(now_ms), now_ms)
        sources = here.sources(_needs(plan, found, here), instruments)
        context = Context(store_id=memory.store_id, pauses=memory.pauses, halt=memory.halt)
        outcome = decide(plan, found, sources, memory.states, memory.runs, context)
        places = [request for request in outcome.requests if isinstance(request, PlaceRequest)]
        verdicts = tuple(zip(places, review(places, sources, plan.settings, memory.halt), strict=True))
        return PlanView(
            now_ms=now_ms, plan=plan, problems=problems, sources=sources, outcome=outcome, verdicts=verdicts,
            states=memory.states, halt=memory.halt, weight=here.connection.weight_used(),
            gone=_gone(state, plan),
        )  # fmt: skip


def _remembered(store: Store | None, now_ms: int) -> _Memory:
    if store is None:
        return _Memory(states={}, runs=(), pauses=(), halt=None, store_id=NO_STORE)
    kept = Kept(store)
    return _Memory(
        states=kept.states, runs=tuple(kept.runs.values()), pauses=kept.pauses_at(now_ms),
        halt=store.halt_in_force(), store_id=store.id,
    )  # fmt: skip


def _gone(state: Path, plan: Plan) -> Mapping[str, int]:
    """Open orders of rules that the files do not hold any more, in every store of this exchange: live ones too, since
    whoever renames a rule asks `plan` before the next start.
    """
    found: Counter[str] = Counter()
    for folder in stores_in(state):
        with suppress(RecordsBroken), Store.read(folder) as store:  # `status` and `doctor` tell of a damaged one
            if store.identity.base_url == plan.settings.exchange.address:
                found.update(store.orders.gone([rule.id for rule in plan.rules]))
    return found


def _all_due(plan: Plan, memory: _Memory, record: OwnRecord, now_ms: int) -> Due:
    """Every enabled rule as if its slot were now, and the timers and runs that are really due."""
    really = due(plan, memory.states, memory.runs, record.orders, None, now_ms)
    rules = sorted((rule for rule in plan.rules if rule.enabled), key=lambda rule: (-rule.priority, rule.order))
    slots = tuple(DueSlot(rule, now_ms, now_ms, now_ms + LATEST_MS) for rule in rules)
    return replace(really, slots=slots, missed={}, passed={})


def _needs(plan: Plan, found: Due, here: ReadOnly) -> frozenset[Need]:
    """What the decisions and the review of their orders have to see."""
    symbols = {rule.symbol for rule in plan.rules}
    record, now_ms = here.record(found.now_ms), found.now_ms
    judged = review_needs(symbols, record, plan.settings, now_ms)
    own = {OpenOrdersNeed(order.symbol) for order in record.orders}
    return merged(frozenset({*needs_of_due(plan, found), *judged, *own, BalancesNeed()}))


# ------------------------------------------------------------------------------------------------------------ eval
def evaluate_now(
    expression: str, symbol: str, *, base_url: str | None = None, config: Path | None = None, state: Path | None = None
) -> Scalar:
    """The value of an expression at this moment; `Missing` with the reason where it is not known. Words about the
    account speak of the dry-run account. Raises RulesInvalid for an expression with mistakes, UsageError for a symbol
    that the exchange lacks, ExchangeUnavailable.
    """
    settings = _settings_for(config, base_url)
    with open_read_only(settings, state or Path("/nonexistent")) as here:
        known = dict(here.connection.market.instruments(sorted({symbol, *settings.symbols})))
        if symbol not in known:
            raise UsageError(f"the exchange has no symbol {symbol}")
        parsed = tried(expression, Scope(symbol=symbol, instruments=known))
        if parsed.value is None and parsed.condition is None:
            raise RulesInvalid("; ".join(problem.message for problem in parsed.problems))
        if parsed.condition is not None:
            return _truth(parsed.condition, here, known)
        assert parsed.value is not None  # noqa: S101 - told above
        return _worth(parsed.value, here, known)


def _settings_for(config: Path | None, base_url: str | None) -> Settings:
    """The account file's settings, or defaults at an address that was given. Raises UsageError where nobody named an
    exchange: none is asked unasked.
    """
    if config is not None or find_account_file(Path.cwd()) is not None:
        return read_project(config, base_url=base_url).settings
    if base_url is None:
        raise UsageError(
            "no account file here names an exchange, so none is asked",
            hint=f"go to a project's folder, name the exchange (--base-url {DEFAULT_ADDRESS}),"
            " or give a file with --data",
        )
    return Settings(file="", exchange=ExchangeSettings(base_url=base_url))


def _worth(value: Value, here: ReadOnly, known: Mapping[str, Instrument]) -> Decimal | Scalar:
    terms = tuple(tree_terms(value))
    needs = merged(frozenset(need for term in terms for need in needs_of(term)))
    values = observe_terms(terms, here.sources(needs, known))
    if len(terms) == 1 and value is terms[0]:
        return next(iter(values.table.values()))
    return exact(value, values)


def _truth(condition: Condition, here: ReadOnly, known: Mapping[str, Instrument]) -> Scalar:
    sources = here.sources(merged(needs_of_condition(condition)), known)
    verdict, _ = judge(condition, observe_condition(condition, sources), {}, Moment(sources.now_ms, None, LATEST_MS))
    return Missing(verdict.reason or "what it looks at is not known") if verdict.holds is None else verdict.holds
