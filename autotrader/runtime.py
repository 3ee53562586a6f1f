"""The composition root: one plan, one exchange, one store, and the parts that belong together, plugged in here alone.

In *dry-run* the market is real and public, the broker is the paper broker, and no secret is loaded. *Live* has the
venue's broker, for which the three keys of `exchanges.live` must have been turned. Everything else is the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from autotrader.engine.budget import budget_of
from autotrader.engine.limits import SIGNING
from autotrader.engine.placing import Standing, refusal
from autotrader.errors import ConfigError, SafetyRefused
from autotrader.exchanges import open_venue
from autotrader.exchanges.key_check import judged
from autotrader.exchanges.live import LiveToken
from autotrader.exchanges.paper import PaperBroker, PaperStore
from autotrader.exchanges.secret import Credentials
from autotrader.exchanges.venue import Venue, VenueSettings
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.settings import Settings
from autotrader.market.instrument import Instrument
from autotrader.market.needs import StatusNeed
from autotrader.orders import Side
from autotrader.ports import Broker, Notifier
from autotrader.project import Project
from autotrader.records.canon import canonical
from autotrader.records.orders import gone_texts
from autotrader.records.places import Identity, store_dir
from autotrader.records.store import Store, new_store_id
from autotrader.structs import dataclass
from autotrader.trading.agree import Word, meant_by, settle_difference, waiting
from autotrader.trading.cycle import Cycle
from autotrader.trading.gate import Gate
from autotrader.trading.gateway import Gateway
from autotrader.trading.holdings import Assets
from autotrader.trading.observer import Observer
from autotrader.trading.parts import Parts
from autotrader.trading.reconcile import Reconciler, Report
from autotrader.trading.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """How a runtime is to be opened. `token` and `credentials` only for live; `stepped` only at a simulator. `identity`
    and `store_id` replace what is derived or drawn by chance: for the demo, whose records are the same at each run.
    `adjust` replaces parts of the connection: time, chance and the network of a simulation.
    """

    state: Path
    cache: Path | None = None
    stepped: bool = False
    token: LiveToken | None = None
    credentials: Credentials | None = None
    identity: Identity | None = None
    store_id: str = ""
    adjust: Callable[[VenueSettings], VenueSettings] = lambda settings: settings


@dataclass(slots=True, kw_only=True)
class Runtime:
    """Everything that runs together; `close` ends it."""

    plan: Plan
    problems: tuple[Problem, ...]
    instruments: Mapping[str, Instrument]
    connection: Venue
    broker: Broker
    store: Store
    cycle: Cycle
    reconciler: Reconciler
    notifier: Notifier
    live: bool
    warnings: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ("start-up has not run",)  # nothing is decided while there is one
    _told: tuple[str, ...] = field(default=(), repr=False)
    _gone: tuple[str, ...] = field(default=(), repr=False)

    @property
    def settings(self) -> Settings:
        """The account file's settings."""
        return self.plan.settings

    @property
    def mode(self) -> str:
        """What the banner says."""
        return "LIVE" if self.live else "DRY-RUN"

    def start(self) -> Report:
        """Replay the journal and compare with the venue; nothing trades before this says that it is armed.

        May be called again: what went unanswered is asked again. A difference that waits for a word halts the store.
        """
        symbols = {rule.symbol for rule in self.plan.rules}
        report = self.reconciler.run(sorted(symbols))
        self.unanswered = report.failures
        if report.reasons and report.reasons != self._told:
            reason = "start-up found a difference: " + "; ".join(report.reasons)
            self.notifier.notify("default", "critical", reason)
        self._told = report.reasons
        gone = self.gone()
        if gone and gone != self._gone:  # no rule minds these orders any more: only a person can
            self.notifier.notify("default", "warn", "; ".join(gone))
        self._gone = gone
        return report

    def gone(self) -> tuple[str, ...]:
        """What is said of rules that are not in the plan any more and left open orders behind."""
        return gone_texts(self.store.orders.gone([rule.id for rule in self.plan.rules]))

    def settle(self, order: str, word: Word) -> Mapping[str, object]:
        """Take a person's word on an order, and compare again once none waits. Raises UsageError."""
        cid = meant_by(self.store, order)
        settle_difference(self.store, cid, word, self.connection.clock.now_ms())
        left = [one.client_order_id for one in waiting(self.store)]
        reasons = self.start().reasons if not left else (f"{len(left)} more wait for a word",)
        return {"client_order_id": cid, "word": word, "armed": not reasons, "reasons": list(reasons), "left": left}

    def close(self) -> None:
        """End threads, connections and files; the record is sealed."""
        try:
            self.notifier.close(5.0)
        finally:
            try:
                self.store.close(self.connection.clock.now_ms())
            finally:
                self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def identity_of(settings: Settings, *, live: bool, fingerprint: str = "") -> Identity:
    """Which store belongs to these settings: one per mode, address and key."""
    mode = "live" if live else "dry-run"
    return Identity(mode=mode, base_url=settings.exchange.address, fingerprint=fingerprint if live else "")


def open_runtime(project: Project, options: OpenOptions, make_notifier: Callable[[Settings], Notifier]) -> Runtime:
    """Connect, read the filters, compile the rules against them, open the store and plug the parts together.

    Raises what its parts raise: ExchangeUnavailable, RulesInvalid, SafetyRefused, RecordsBroken, ConfigError.
    """
    live = options.token is not None
    if live and project.settings.mode != "live":
        raise SafetyRefused("the account file says dry_run")
    connection = _connected(project.settings, options)
    try:
        connection.clock.sync()
        instruments = _instruments(project, connection)
        plan, problems = project.plan(instruments)
        _refuse_over_budget(plan, connection)
        warnings = _checked_key(connection) if live else ()
        identity = options.identity or identity_of(plan.settings, live=live, fingerprint=connection.fingerprint)
        make_id = (lambda: options.store_id) if options.store_id else new_store_id
        folder = store_dir(options.state, identity)
        store = Store.open(folder, identity, now_ms=connection.clock.now_ms(), make_id=make_id)
    except BaseException:
        connection.close()
        raise
    try:
        # The store is named after the signer's key, so it is there last; before it is, the signer signs no order.
        connection.ask_before_orders(lambda side: _against_signing(store, Side(side)))
        runtime = _assembled(project, plan, problems, instruments, connection, store, make_notifier, live=live)
    except BaseException:
        store.abandon()
        connection.close()
        raise
    runtime.warnings = warnings
    return runtime


def _against_signing(store: Store, side: Side) -> str:
    found = refusal(SIGNING, Standing(side=side, halt=store.halt_in_force()))
    return "" if found is None else found.reason


def _connected(settings: Settings, options: OpenOptions) -> Venue:
    plain = VenueSettings(
        zone=ZoneInfo(settings.timezone),
        cache=options.cache,
        weight_part=float(settings.limits.request_weight / 100),
        stepped=options.stepped,
        recv_window_ms=settings.exchange.recv_window_ms,
    )
    return open_venue(
        options.adjust(plain),
        name=settings.exchange.name,
        url=settings.exchange.address,
        credentials=options.credentials,
        live_token=options.token,
    )


def _checked_key(connection: Venue) -> tuple[str, ...]:
    """Ask the exchange what the key may do, before anything is made for it; what is worth a warning.

    Raises SafetyRefused for a key that may withdraw or transfer (docs/order-safety.md P14), ExchangeRefused for one
    that the exchange does not know.
    """
    calls = connection.account
    if calls is None:
        raise SafetyRefused("live trading needs an API key", hint="set AUTOTRADER_API_KEY and its secret")
    if not connection.tells_permissions:
        calls.account()  # this host cannot say what the key may do; that it is known must do
        return ("this host does not say what the key may do: make sure that it may not withdraw",)
    may, now_ms = calls.restrictions(), connection.clock.now_ms()
    verdict = judged(may, now_ms)
    if verdict.refusals:
        said = "; ".join(refusal.text for refusal in verdict.refusals)
        raise SafetyRefused(f"{said}; autotrader does not go live with it", hint=verdict.refusals[0].hint)
    return tuple(f"{warning.text}: {warning.hint}" for warning in verdict.warnings)


def _instruments(project: Project, connection: Venue) -> Mapping[str, Instrument]:
    """Filters of every symbol that the rules or the account file name. A symbol that does not exist is absent."""
    plan, _ = project.plan()
    symbols = sorted({*project.settings.symbols, *(rule.symbol for rule in plan.rules)})
    return connection.market.instruments(symbols) if symbols else {}


def _refuse_over_budget(plan: Plan, connection: Venue) -> None:
    budget = budget_of(plan, connection.market.weight_per_minute)
    allowed = connection.market.weight_limit() * plan.settings.limits.request_weight / Decimal(100)
    if budget.total > allowed:
        raise ConfigError(
            f"these rules need {budget.total:.0f} request weight a minute, and `request_weight` allows {allowed:.0f}",
            hint="look less often (`every`), or use fewer symbols; `autotrader budget` lists what each need costs",
        )


def _assembled(  # noqa: PLR0913 - one keyword for each thing that was opened
    project: Project,
    plan: Plan,
    problems: tuple[Problem, ...],
    instruments: Mapping[str, Instrument],
    connection: Venue,
    store: Store,
    make_notifier: Callable[[Settings], Notifier],
    *,
    live: bool,
) -> Runtime:
    clock = connection.clock
    broker = (
        connection.broker
        if live and connection.broker is not None
        else paper_broker(connection, store, plan.settings.paper)
    )
    gate = Gate(store, clock, plan.settings)
    gateway = Gateway(store, broker, clock, refuse=gate.refuse, recv_window_ms=plan.settings.exchange.recv_window_ms)
    resolver = Resolver(store, broker, clock)

    def least(symbol: str) -> Decimal | None:
        found = instruments.get(symbol)
        return None if found is None else found.min_notional

    def assets(symbol: str) -> Assets | None:
        found = instruments.get(symbol)
        return None if found is None else Assets(found.base, found.quote)

    observer = Observer(store, broker, clock, resolver, min_notional=least)
    notifier = make_notifier(plan.settings)
    with store.transaction():
        plan_text = store.chain.keep_text(canonical({"account": project.account_text, "rules": project.named(plan)}))
        store.settings.set("plan", plan_text, clock.now_ms())
    parts = Parts(
        plan=plan, plan_text=plan_text, instruments=instruments, market=connection.market, broker=broker, clock=clock,
        store=store, gate=gate, gateway=gateway, resolver=resolver, observer=observer, notifier=notifier,
        before_orders=frozenset({StatusNeed()}) if connection.tells_status else frozenset(),
    )  # fmt: skip
    return Runtime(
        plan=plan, problems=problems, instruments=instruments, connection=connection, broker=broker,
        store=store, cycle=Cycle(parts),
        reconciler=Reconciler(store, broker, clock, resolver, observer, assets=assets, keeps_trades=live),
        notifier=notifier, live=live,
    )  # fmt: skip


def paper_broker(
    connection: Venue, store: Store | None, start: Mapping[str, Decimal], *, keeps: bool = True
) -> PaperBroker:
    """The paper account of a store on the exchange's public data; without a store a new one, which holds `start`.

    Where nothing `keeps` it, it is carried forward in memory, and what it saves goes nowhere.
    """
    text: str | None = None if store is None else store.settings.get("paper")

    def save(changed: str) -> None:
        if keeps and store is not None:
            with store.transaction():
                store.settings.set("paper", changed, connection.clock.now_ms())

    return PaperBroker(connection.paper, PaperStore(load=lambda: text, save=save), connection.clock, start)
