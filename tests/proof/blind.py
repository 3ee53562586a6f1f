"""Proof that less knowledge never trades more (docs/order-safety.md P10, docs/language.md §2).

Rules, market, account, record and the rules' states are drawn at random; the production engine decides and reviews
twice: with everything, and with something taken away (`losses`). From the same states the blinded decision may place,
resume and cancel only what the seeing one asked for too, and only what the limits would let pass with everything known;
and nothing that holds a rule back (latch, cooldown, count, timer, side) may be looser than it was before and than it
would be with everything known.

Four things are meant and no breach. A rule may ask for an age, and then old data is what it asked about. A firing
whose order could not be judged is given back (docs/language.md §4): it is due again, and no order of it exists. A
crossing between candles whose own candle is missing is seen at the next one: the side is kept through what is unknown.
And the limits are asked about the orders that the blinded cycle wants: where a first order is not asked for, a second
one may find room within the same limit.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autotrader.engine import decide as deciding
from autotrader.engine import limits
from autotrader.engine.advance import settled
from autotrader.engine.conditions import CandleLeaf, candle_leaves
from autotrader.engine.due import Due, due
from autotrader.engine.limits import Approved
from autotrader.engine.outcome import Decision, Outcome
from autotrader.engine.requests import Context, NeverArrived
from autotrader.engine.state import Phase, RuleState, Run, StateKey
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.requests import CancelOrder, PauseRequest, PlaceRequest
from autotrader.language.shapes import LeafMemory
from autotrader.language.tree import Cross, Term
from autotrader.language.walk import tree_terms
from autotrader.market.sources import Sources
from autotrader.orders import Accepted, NotSent, Order, OrderStatus, Rejected
from autotrader.prove.proof import Case, Progress, Proof, tried, unheard
from tests.proof.losses import Loss, losses
from tests.proof.wild_rules import drawn_plan
from tests.proof.wild_sources import START_MS, drawn_context, drawn_sources, instruments, settings

RULES = 4
MIXED = 6  # mixtures of several losses beside each loss alone
_ARMED = frozenset({Phase.ARMED, Phase.BLOCKED, Phase.ACTING_REARMED})


def prove_blind(
    cases: int = 300, seed: int = 1, progress: Progress = unheard, *, rules: Plan | None = None, most: int = 100
) -> Proof:
    """Blind `cases` random rule sets in every way; stop at `most` breaches. Case i of a seed is the same however many
    are asked for. `rules`: these, on random markets, instead of random ones.
    """
    played = (BlindCase(seed, number, rules).played() for number in range(cases))
    total = tried(played, cases, progress, most=most)
    claim = "Taking, ageing or corrupting any input never makes a rule trade that would not, nor clears a guard."
    return total.proof("blind", claim, f"--cases {cases} --seed {seed}", total.only(*_FIGURES))


_FIGURES = (
    "rule sets", "rules", "decisions with everything", "of them with an order", "decisions blinded",
    "orders kept although blinded", "orders that went away", "orders that appeared", "guards cleared",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """What both decisions start from."""

    plan: Plan
    found: Due
    states: Mapping[StateKey, RuleState]
    runs: tuple[Run, ...]
    context: Context

    def decided(self, sources: Sources) -> Outcome:
        """The production engine's decision on some sources."""
        return deciding.decide(self.plan, self.found, sources, self.states, self.runs, self.context)

    def approved(self, orders: Sequence[PlaceRequest], sources: Sources) -> tuple[PlaceRequest, ...]:
        """Those of some orders that the limits let pass."""
        verdicts = limits.review(orders, sources, self.plan.settings, self.context.halt)
        return tuple(order for order, said in zip(orders, verdicts, strict=True) if isinstance(said, Approved))


class BlindCase(Case):
    """One rule set, one market: decided once with everything, then under every loss and some mixtures."""

    promise = "P10"

    def __init__(self, seed: int, number: int, rules: Plan | None) -> None:
        super().__init__(f"blind {seed} {number}", f"blind --cases {number + 1} --seed {seed}")
        self._rules = rules

    def play(self) -> None:
        """Decide, then decide again with less and less."""
        chance, figures = self.chance, self.counts.figures
        plan = self._rules or drawn_plan(chance, settings(), instruments(START_MS), RULES)
        scene = _scene(chance, plan)
        sources = drawn_sources(chance, START_MS)
        seeing = scene.decided(sources)
        figures["rule sets"] += 1
        figures["rules"] += len(plan.rules)
        figures["decisions with everything"] += len(seeing.decisions)
        figures["of them with an order"] += len(_places(seeing))
        single = losses(sources, chance)
        all_blinds: list[tuple[Loss, ...]] = [(loss,) for loss in single]
        all_blinds += [tuple(chance.sample(single, chance.randint(2, 6))) for _ in range(MIXED)]
        for blinds in all_blinds:
            self._blinded(scene, sources, seeing, blinds)

    def _blinded(self, scene: Scene, sources: Sources, seeing: Outcome, blinds: tuple[Loss, ...]) -> None:
        figures, less = self.counts.figures, sources
        for loss in blinds:
            less = loss.apply(less)
            self.counts.injected[loss.kind] += 1
        blind = scene.decided(less)
        kept = {_named(order) for order in _places(blind)}
        figures["decisions blinded"] += len(blind.decisions)
        figures["orders kept although blinded"] += len(kept)
        figures["orders that went away"] += sum(_named(order) not in kept for order in _places(seeing))
        for what in trespasses(scene, (sources, seeing), (less, blind), blinds):
            figures["orders that appeared" if what.startswith("order") else "guards cleared"] += 1
            taken = "; ".join(loss.name for loss in blinds)
            self.counts.note("P10", what, f"taken: {taken}", *"\n".join(scene.plan.sources.values()).splitlines())


# ------------------------------------------------------------------------------------------------ what came before
def _scene(chance: random.Random, plan: Plan) -> Scene:
    """States and runs as two earlier cycles left them, some of them moved on by chance."""
    states: Mapping[StateKey, RuleState] = {}
    runs: tuple[Run, ...] = ()
    last_ms: int | None = None
    context = drawn_context(chance, START_MS)
    for before_ms in (60_000, 30_000)[chance.randint(0, 2) :]:
        now_ms = START_MS - before_ms
        sources = drawn_sources(chance, now_ms)
        found = due(plan, states, runs, sources.record.orders, last_ms, now_ms)
        outcome = deciding.decide(plan, found, sources, states, runs, Context(store_id="wild"))
        states, runs = _answered(chance, plan, outcome)
        last_ms = now_ms
    states = {key: _moved_on(chance, state) for key, state in states.items()}
    found = due(plan, states, runs, (), last_ms, START_MS)
    return Scene(plan, found, states, runs, context)


def _answered(
    chance: random.Random, plan: Plan, outcome: Outcome
) -> tuple[Mapping[StateKey, RuleState], tuple[Run, ...]]:
    """The venue's answers to what was asked for: taken, refused, not sent, lost, or none yet."""
    states = dict(outcome.states)
    runs = {run.key: run for run in outcome.runs if not run.is_over}
    for request in outcome.requests:
        if not isinstance(request, PlaceRequest) or request.run not in runs or chance.random() < 0.3:
            continue
        run = runs[request.run]
        rule = next(rule for rule in plan.rules if (rule.id, rule.symbol) == (run.rule, run.symbol))
        answer = chance.choice((_taken(request), Rejected(-2010, "no"), NotSent("refused"), NeverArrived("gone")))
        step = settled(run, states.get(run.state_key), request.id, answer, len(rule.branches[run.branch].actions))
        if step.state is not None:
            states[run.state_key] = step.state
        if step.run.is_over:
            del runs[run.key]
        else:
            runs[run.key] = step.run
    return states, tuple(runs.values())


def _taken(request: PlaceRequest) -> Accepted:
    order = request.order
    return Accepted(Order(
        symbol=order.symbol, order_id=7, client_order_id=order.client_order_id, side=order.side, type=order.type,
        tif=order.tif, price=order.price, quantity=order.quantity, executed=order.quantity, quote_executed=None,
        status=OrderStatus.FILLED, created_ms=START_MS, updated_ms=START_MS,
    ))  # fmt: skip


def _moved_on(chance: random.Random, state: RuleState) -> RuleState:
    """The state with a phase, cooldown or count that older cycles may have left."""
    if state.phase is Phase.ARMED and chance.random() < 0.3:
        state = replace(state, phase=Phase.DISARMED, been_false=chance.random() < 0.3, last_fired_ms=START_MS - 90_000)
    if chance.random() < 0.15:
        state = replace(state, cooldown_until_ms=START_MS + chance.choice((-1, 60_000)))
    if chance.random() < 0.15:
        state = replace(state, fired_ms=(START_MS - 7_000, START_MS - 5_000))
    return state


# --------------------------------------------------------------------------------------------------- the comparison
def trespasses(
    scene: Scene, seeing: tuple[Sources, Outcome], blind: tuple[Sources, Outcome], blinds: Sequence[Loss]
) -> Iterator[str]:
    """What the blinded decision did that it must not."""
    (everything, full), (less, poor) = seeing, blind
    exempt = _asking_for_age(scene.plan, {loss.ages for loss in blinds if loss.ages})
    if any(loss.kind == "hole" for loss in blinds):
        exempt |= {rule.id for rule in scene.plan.rules if any(map(_is_crossing, _leaves(rule)))}
    wanted = {_named(order) for order in _places(full)}
    orders = tuple(order for order in _places(poor) if order.key.rule not in exempt)
    for order in orders:
        if _named(order) not in wanted:
            yield f"order appeared: {order.key.rule} {order.order.side} {order.order.quantity} at {order.order.price}"
    passed = {order.id for order in scene.approved(orders, everything)}
    for order in scene.approved(orders, less):
        if order.id not in passed:
            (said,) = (v for o, v in zip(orders, _verdicts(scene, orders, everything), strict=True) if o.id == order.id)
            yield f"order of {order.key.rule} passed the limits although blinded; with everything known: {said}"
    yield from _other_requests(scene, full, poor, exempt)
    bold = {rule.id for rule in scene.plan.rules if rule.on_unknown == "fire"}  # they asked to fire blind
    for key, after in poor.states.items():
        if key.rule not in exempt | bold:
            yield from _loosened(scene, key, after, full, poor)
    for key in poor.gone:
        if key not in full.gone and key.rule not in exempt:
            yield f"state of {key} forgotten"


def _verdicts(scene: Scene, orders: Sequence[PlaceRequest], sources: Sources) -> tuple[object, ...]:
    return limits.review(orders, sources, scene.plan.settings, scene.context.halt)


def _other_requests(scene: Scene, full: Outcome, poor: Outcome, exempt: frozenset[str]) -> Iterator[str]:
    """Resumptions and cancels that only the blinded decision asks for."""
    asked = {request.id for request in full.requests if isinstance(request, CancelOrder)}
    resumed = {request.run for request in full.requests if isinstance(request, PauseRequest)}
    bold = {rule.id for rule in scene.plan.rules if rule.on_unknown == "fire"}
    for request in poor.requests:
        rule = "" if getattr(request, "run", None) is None else request.run[0]  # type: ignore[index]  # a RunKey
        if rule in exempt:
            continue
        if isinstance(request, CancelOrder) and request.id not in asked and rule not in bold:
            yield f"cancel appeared: {request.id} ({request.reason})"
        if isinstance(request, PauseRequest) and request.resume and request.run not in resumed:
            yield f"pause cleared by {rule}"


def _loosened(scene: Scene, key: StateKey, after: RuleState, full: Outcome, poor: Outcome) -> Iterator[str]:
    """What holds the rule back less than before, and less than with everything known."""
    before, seen = scene.states.get(key, RuleState()), full.states.get(key, RuleState())
    returned = [run for run in poor.runs if run.state_key == key and run.status == "returned"]
    if any(run.placed for run in returned) and after.phase in _ARMED:
        yield f"latch of {key.rule} given back although an order was placed"
    given_back = bool(returned)
    armed_anyway = seen.phase in _ARMED or any(one.fired and _key_of(one) == key for one in full.decisions)
    if after.phase in _ARMED and before.phase not in _ARMED and not armed_anyway and not given_back:
        yield f"latch of {key.rule} cleared: {before.phase} became {after.phase}, with everything known {seen.phase}"
    if after.been_false and not (before.been_false or seen.been_false or armed_anyway):
        yield f"unknown counted as false for {key.rule}"
    if after.rearm_held and not (before.rearm_held or seen.rearm_held or armed_anyway):
        yield f"unknown counted as rearm_when of {key.rule}"
    cooldown = min(before.cooldown_until_ms or 0, seen.cooldown_until_ms or 0)
    if not given_back and (after.cooldown_until_ms or 0) < cooldown:
        yield f"cooldown of {key.rule} shortened"
    if not given_back and set(before.fired_ms) & set(seen.fired_ms) - set(after.fired_ms):
        yield f"count of {key.rule} lowered"
    last_ms = START_MS if before.last_slot_ms is None else before.last_slot_ms
    leaves = {} if after.last_slot_ms == before.last_slot_ms else after.leaves  # the same: it was not judged
    for leaf, memory in leaves.items():
        known = max(_ran(before.leaves.get(leaf, _NONE), last_ms), _ran(seen.leaves.get(leaf, _NONE), START_MS))
        if _ran(memory, START_MS) > known:
            yield f"a `for` timer of {key.rule} ran on while its condition was unknown"
        yield from _believed(key.rule, memory, before.leaves.get(leaf, _NONE), seen.leaves.get(leaf, _NONE))


_NONE = LeafMemory()


def _believed(rule: str, after: LeafMemory, before: LeafMemory, seen: LeafMemory) -> Iterator[str]:
    """What a leaf came to believe without having seen it."""
    if after.side not in {before.side, seen.side}:
        yield f"a side of {rule} turned unseen"
    is_new = after.checks != before.checks and after.checks and seen.checks
    if is_new and after.checks[-1] not in {-1, seen.checks[-1]}:
        yield f"a check of {rule} was believed unseen"


def _ran(memory: LeafMemory, at_ms: int) -> int:
    """Milliseconds that a timer has counted at a moment."""
    if memory.since_ms is None:
        return 0
    until = at_ms if memory.paused_ms is None else memory.paused_ms
    return max(0, until - memory.since_ms - memory.lost_ms)


# ---------------------------------------------------------------------------------------------------------- helpers
def _places(outcome: Outcome) -> tuple[PlaceRequest, ...]:
    return tuple(request for request in outcome.requests if isinstance(request, PlaceRequest))


def _named(order: PlaceRequest) -> tuple[object, ...]:
    """What makes it the same order."""
    asked = order.order
    return (order.key, asked.symbol, asked.side, asked.type, asked.price, asked.quantity, asked.tif)


def _key_of(decision: Decision) -> StateKey:
    return StateKey(decision.rule, decision.symbol, decision.order)


def _asking_for_age(plan: Plan, subjects: Iterable[str]) -> frozenset[str]:
    """Rules that ask how old one of these is."""
    asked = set(subjects)
    if not asked:
        return frozenset()
    return frozenset(rule.id for rule in plan.rules if any(_age_of(term) in asked for term in _terms(rule)))


def _leaves(rule: CompiledRule) -> Iterator[CandleLeaf]:
    for condition in (rule.when, rule.rearm_when, *(branch.condition for branch in rule.branches)):
        if condition is not None:
            yield from candle_leaves(condition)


def _is_crossing(leaf: CandleLeaf) -> bool:
    return isinstance(leaf, Cross) or isinstance(leaf.part, Cross)


def _terms(rule: CompiledRule) -> Iterator[Term]:
    conditions = (rule.when, rule.rearm_when, *(branch.condition for branch in rule.branches))
    for condition in conditions:
        if condition is not None:
            yield from tree_terms(condition)


def _age_of(term: Term) -> str:
    return str(term.args[0]) if term.word == "age" else "-"
