"""From a firing to requests: sizes, prices, runs step by step."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.state import Phase
from autotrader.engine.values import Values, exact
from autotrader.language.actions.cancel import CancelThis
from autotrader.language.actions.cancel_orders import CancelOrders
from autotrader.language.actions.halt import HaltTrading
from autotrader.language.actions.pause import PauseRules
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.actions.sizing import MarketPrice, floor_over
from autotrader.language.facts import Fact
from autotrader.language.open_orders import OrderFilter
from autotrader.language.requests import (
    CancelOrder,
    Dropped,
    HaltRequest,
    NotifyRequest,
    PauseRequest,
    PlaceRequest,
    Skipped,
)
from autotrader.language.tree import Kind, Literal, Operation, Unit
from autotrader.language.walk import term_id
from autotrader.market.account import OwnRecord
from autotrader.market.sources import LowerBound, Missing
from autotrader.orders import Accepted, Cancelled, NotSent, Order, OrderStatus, OrderType, Rejected, Side, TimeInForce
from tests.worlds.values import (
    ASK,
    BID,
    BTCJPY,
    JPY,
    NUMBER,
    PERCENT,
    PLACE,
    START,
    SYMBOL,
    D,
    World,
    account_of,
    below,
    buy,
    compare,
    lit,
    notify,
    own,
    plan,
    rule,
    sources,
    term,
    venue_order,
)

YEN = Unit(Kind.AMOUNT, "JPY")
COIN = Unit(Kind.AMOUNT, "BTC")
ALWAYS = below(10_000_000)


def size_of(action: PlaceOrder, table: dict[str, Any] | None = None, instrument: Any = BTCJPY) -> Any:
    """Price and quantity of an action."""
    values = Values({term_id(BID): D(99_990), term_id(ASK): D(100_010), **(table or {})})
    return action.sized(instrument, partial(exact, values=values), sources(START))


def sell(size: Any, price: Any = ASK, **more: Any) -> PlaceOrder:
    """A sale."""
    return PlaceOrder(side=Side.SELL, size=size, price=price, place=PLACE, **more)


# ----------------------------------------------------------------------------------------------------------- sizes
def test_spend_is_never_exceeded() -> None:
    """10,000 yen at 99,990 buy 0.10001 BTC, never more."""
    assert size_of(buy(10_000)) == (D(99_990), D("0.10001"))


def test_the_least_cap_wins() -> None:
    """`max_spend` and `max_size` make an order smaller, never larger."""
    capped = replace(buy(10_000), max_size=lit("0.05", COIN), max_spend=lit(9_000, YEN))
    assert size_of(capped) == (D(99_990), D("0.05"))


def test_a_share_of_the_free_balance() -> None:
    """`spend: 20% of free(JPY)` is exact."""
    free = term("free", YEN, args=("JPY",))
    action = replace(buy(1), spend=Operation("%of", lit(20, PERCENT), free, YEN))
    assert size_of(action, {term_id(free): D(100_000)}) == (D(99_990), D("0.20002"))


def test_market_is_a_capped_limit() -> None:
    """`price: market` is a limit, immediate or cancel, at the touch ± `max_slippage`, inside the cap."""
    world = World(plan(rule(ALWAYS, buy(10_000, MarketPrice(D("0.5"))))))
    world.step()
    order = world.orders[0].order
    assert (order.type, order.tif, order.price) == (OrderType.LIMIT, TimeInForce.IOC, D(100_510))
    assert size_of(sell(lit("0.1", COIN), MarketPrice(D("0.5")))) == (D(99_491), D("0.1"))


def test_post_only_is_limit_maker() -> None:
    """`post_only` becomes LIMIT_MAKER."""
    world = World(plan(rule(ALWAYS, buy(10_000, post_only=True, tag="dip", cancel_after_ms=60_000))))
    world.step()
    request = world.orders[0]
    assert (request.order.type, request.tag, request.cancel_after_ms) == (OrderType.LIMIT_MAKER, "dip", 60_000)


def test_too_small_says_what_it_needs() -> None:
    """What is below the venue's minimum is skipped, and says how much it needs."""
    small = size_of(buy(50))
    assert small == Skipped("below minimum (needs 0.00101 BTC or 100.9899 JPY)")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (sell(lit(0, COIN)), Skipped("there is nothing to trade: the amount is 0")),
        (sell(lit(-1, COIN)), Skipped("there is nothing to trade: the amount is 0")),
        (buy(10_000, lit(0)), Skipped("price 0 is not above 0")),
        (buy(10_000, term("mid")), Dropped("price: BTCJPY.mid was not observed")),
        (replace(buy(), spend=term("free", YEN)), Dropped("amount: BTCJPY.free was not observed")),
        (buy(10_000, lit(2_000_000_000)), Skipped("below minimum (needs 0.00001 BTC or 20000 JPY)")),
        (sell(lit(1, COIN), lit(2_000_000_000)), Skipped("PRICE_FILTER: price is above 1000000000")),
    ],
)
def test_what_cannot_be_ordered_says_why(action: PlaceOrder, expected: Any) -> None:
    """Nothing to trade and off-limits are skipped; what is not known is dropped."""
    assert size_of(action) == expected


def test_without_filters_nothing_is_sized() -> None:
    """On an instrument whose filters were never read nothing may trade."""
    assert isinstance(size_of(buy(), instrument=replace(BTCJPY, fetched_ms=None)), Dropped)
    world = World(plan(rule(ALWAYS, buy())))
    world.step(sources=sources(START, instruments={}))
    assert "not known" in world.decisions[-1].blocked
    assert not world.orders


@pytest.mark.parametrize("side", list(Side))
def test_market_without_a_book_is_dropped(side: Side) -> None:
    """A touch that is not known gives no price."""
    action = PlaceOrder(side=side, size=lit(1, COIN), price=MarketPrice(D(1)), place=PLACE)
    found = action.sized(BTCJPY, partial(exact, values=Values({})), sources(START, bid=None))
    assert isinstance(found, Dropped)


amounts = st.decimals("0.01", "100000000", places=8)
steps = st.sampled_from(("0.00000001", "0.00001", "0.001", "0.1", "1", "0.3"))


@given(amounts, st.decimals("0.01", "20000000", places=6), steps, steps)
def test_rounding_never_up(amount: Decimal, price: Decimal, tick: str, step: str) -> None:
    """Whatever the grid: a buy never spends more than asked at no more than the price, a sale never sells more."""
    instrument = replace(BTCJPY, tick=D(tick), step=D(step), min_notional=D(0), min_quantity=D(0), max_price=D(0))
    found = size_of(replace(buy(1, lit(str(price))), spend=lit(str(amount), YEN)), instrument=instrument)
    if not isinstance(found, Skipped):
        assert found[0] <= price
        assert found[0] * found[1] <= amount
    sold = size_of(sell(lit(str(amount), COIN), lit(str(price))), instrument=instrument)
    if not isinstance(sold, Skipped):
        assert sold[0] >= price
        assert sold[1] <= amount


@given(amounts, st.decimals("0.0000001", "1000000", places=7))
def test_division_is_cut_downwards(amount: Decimal, price: Decimal) -> None:
    """The quotient times the price never exceeds the amount."""
    assert floor_over(amount, price) * price <= amount + Decimal("1e-20")


# ---------------------------------------------------------------------------------------------------- exact values
def test_values_of_actions_are_exact() -> None:
    """Amounts and prices are worked out in Decimal; an indicator's float is the number that its text names."""
    rsi = term("rsi", NUMBER)
    values = Values({term_id(BID): D("0.1"), term_id(rsi): 0.1, "bad": "x"})
    two = lit("0.2")
    cases: list[tuple[Any, Any]] = [
        (Operation("+", BID, two, JPY), D("0.3")),
        (Operation("-", BID, two, JPY), D("-0.1")),
        (Operation("*", rsi, two, JPY), D("0.02")),
        (Operation("/", BID, two, JPY), D("0.5")),
        (Operation("+%", BID, lit(50, PERCENT), JPY), D("0.15")),
        (Operation("-%", BID, lit(50, PERCENT), JPY), D("0.05")),
        (Operation("min", BID, two, JPY), D("0.1")),
        (Operation("max", BID, two, JPY), D("0.2")),
        (Operation("min", Operation("/", BID, two, NUMBER), lit(3, PERCENT), PERCENT), D(3)),
        (Operation("/", two, lit(0), JPY), Missing("division by zero")),
    ]
    assert [exact(node, values) for node, _ in cases] == [expected for _, expected in cases]


@pytest.mark.parametrize("seen", [Missing("gone"), LowerBound(D(5)), "text", float("nan")])
def test_what_is_no_number_is_no_amount(seen: Any) -> None:
    """Missing, a bound, text: an amount that is not known orders nothing."""
    values = Values({term_id(BID): seen})
    assert isinstance(exact(BID, values), Missing)
    assert isinstance(exact(Operation("+", lit(1), BID, JPY), values), Missing)
    assert isinstance(exact(Operation("+", BID, lit(1), JPY), values), Missing)


# ------------------------------------------------------------------------------------------------------------ runs
def texts(world: World) -> list[str]:
    """What was notified."""
    return [request.text for request in world.requests if isinstance(request, NotifyRequest)]


def test_a_message_behind_a_buy_waits_for_it() -> None:
    """Actions run in order: the message names the order that was placed."""
    price, missing = term("order.price"), term("order.id", Unit(Kind.TEXT))
    said = notify(Fact("symbol"), " bid ", price, " (", Fact("rule"), ", ", Fact("state"), ")")
    world = World(plan(rule(ALWAYS, notify("before ", missing), buy(10_000), said)))
    world.step()
    assert texts(world) == ["before —"]
    world.answer(Accepted(venue_order(world.orders[0])))
    assert world.runs[0].status == "ready"
    world.step(after_ms=1_000)
    assert texts(world)[1:] == ["BTCJPY bid 99,990 JPY (dip, fired)"]
    assert world.runs == ()


def test_an_action_that_fails_ends_the_list() -> None:
    """Behind a refused buy nothing more is done."""
    world = World(plan(rule(ALWAYS, buy(10_000), notify("bought"))))
    world.step()
    world.answer(Rejected(-2010, "balance"))
    world.step()
    assert (texts(world), world.runs) == ([], ())


def test_a_skipped_buy_is_told_and_leaves_no_run() -> None:
    """Too small at run time ends as skipped, with a notice."""
    world = World(plan(rule(ALWAYS, buy(10))))
    world.step()
    assert world.notices == ["dip (BTCJPY): skipped: below minimum (needs 0.00101 BTC or 100.9899 JPY)"]
    assert (world.runs, world.state().phase, world.state().fired_ms) == ((), Phase.DISARMED, ())


def test_messages_show_values_with_their_units() -> None:
    """Placeholders are shown with their unit; what is not known is a dash."""
    parts = (term("change_24h", PERCENT), " ", term("last"), " ",
             term("age", Unit(Kind.DURATION), args=("ticker",)), " ",
             Operation("+%", term("last"), lit(1, PERCENT), JPY), " ",
             Operation("/", lit(1), lit(0), NUMBER))  # fmt: skip
    chosen = rule(ALWAYS, notify(*parts))
    terms = [part for part in parts if not isinstance(part, str | Operation)]
    world = World(plan(replace(chosen, action_terms=(*terms, term("last")))))
    world.step(change="-6.021")
    assert texts(world) == ["-6.02% 100,000 JPY 0s 101,000 JPY —"]


def test_pause_resume_and_halt_are_requests() -> None:
    """`pause`, `resume` and `halt` are asked for and done at once."""
    world = World(plan(rule(
        ALWAYS,
        PauseRules(resume=False, rules=("a",), span_ms=60_000, place=PLACE),
        PauseRules(resume=True, labels=("b",), span_ms=60_000, place=PLACE),
        HaltTrading(place=PLACE),
    )))  # fmt: skip
    world.step()
    pause, resume, halt = world.requests
    assert isinstance(pause, PauseRequest)
    assert isinstance(resume, PauseRequest)
    assert (pause.until_ms, resume.until_ms, resume.resume) == (START + 60_000, None, True)
    assert isinstance(halt, HaltRequest)


def test_an_edit_ends_a_run() -> None:
    """A list of actions does not go on after its rule was edited or removed."""
    chosen = rule(ALWAYS, buy(10_000), notify("bought"))
    for after in (plan(replace(chosen, hash="other", when=below(1))), plan()):
        world = World(plan(chosen))
        world.step()
        world.answer(Accepted(venue_order(world.orders[0])))
        world.plan = after
        world.step()
        assert (texts(world), world.runs) == ([], ())


def test_a_waiting_run_is_left_alone() -> None:
    """A run that waits for an answer takes no step."""
    world = World(plan(rule(ALWAYS, buy(10_000), notify("x"))))
    world.step()
    for _ in range(3):
        world.step()
    assert (len(world.orders), texts(world)) == (1, [])


def test_a_lost_run_does_not_freeze_its_rule() -> None:
    """A state that says "acting" without a run goes on as disarmed."""
    world = World(plan(rule(below(100), buy(1_000, lit(90)))))
    world.step(90)
    world.runs = ()
    for last in (110, 90):
        world.step(last)
    assert world.fired == 2


# ------------------------------------------------------------------------------------------------------ per order
AGE = term("order.age", Unit(Kind.DURATION))
OLD = compare(AGE, ">", Literal(D(60_000), Unit(Kind.DURATION), "1m"))


def stale_buys(**more: Any) -> Any:
    """Cancel own buys that are older than a minute."""
    wanted = OrderFilter(Side.BUY, "autotrader")
    said = notify("cancelled ", term("order.id", Unit(Kind.TEXT)))
    return rule(OLD, CancelThis(place=PLACE), said, name="stale", for_each_order=wanted, **more)


def test_each_order_has_its_own_state() -> None:
    """A per-order rule fires once for each matching order, and says which."""
    orders = (own("at-test-a"), own("at-test-b", placed_ms=START + 60_000), own("at-test-c", side=Side.SELL))
    world = World(plan(stale_buys()), now_ms=START + 90_000, record=OwnRecord(orders=orders))
    world.step()
    world.step(after_ms=1)
    cancels = [request for request in world.requests if isinstance(request, CancelOrder)]
    assert [cancel.id for cancel in cancels] == ["at-test-a"]
    world.answer(Cancelled(foreign("at-test-a", status=OrderStatus.CANCELED)), cancels[0])
    world.record = OwnRecord(orders=orders[1:])
    world.step(after_ms=30_000)
    assert texts(world) == ["cancelled at-test-a"]
    world.step()
    assert [key.order for key in world.states] == ["", "at-test-b"]


def foreign(cid: str = "web-1", **more: Any) -> Order:
    """An order that the venue lists."""
    fields: dict[str, Any] = {
        "symbol": SYMBOL, "order_id": 5, "client_order_id": cid, "side": Side.BUY, "type": "LIMIT", "tif": "GTC",
        "price": D(90_000), "quantity": D(1), "executed": D(0), "quote_executed": D(0), "status": OrderStatus.NEW,
        "created_ms": START - 120_000, "updated_ms": START,
    }  # fmt: skip
    return Order(**{**fields, **more})


def test_foreign_orders_only_where_anyone_is_spelled_out() -> None:
    """`owner: anyone` sees what the venue lists; without the list nothing is known."""
    account = account_of(START, open_orders={SYMBOL: (foreign(), foreign("at-test-a"))})
    record = OwnRecord(orders=(own("at-test-a", placed_ms=START),))
    anyone = replace(stale_buys(), for_each_order=OrderFilter(None, "anyone"))
    world = World(plan(anyone), record=record)
    world.step(account=account)
    assert [request.id for request in world.requests if isinstance(request, CancelOrder)] == ["web-1"]
    blind = World(plan(anyone))
    blind.step()
    assert (blind.decisions[0].holds, blind.decisions[0].blocked) == (None, "open orders: not fetched")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (CancelOrders(place=PLACE), ["a", "b", "c"]),
        (CancelOrders(side=Side.SELL, place=PLACE), ["c"]),
        (CancelOrders(tag="dip", place=PLACE), ["b"]),
        (CancelOrders(owner="this_rule", place=PLACE), ["a", "b"]),
        (CancelOrders(older_than_ms=30_000, place=PLACE), ["a"]),
        (CancelOrders(further_than=lit(2, PERCENT), place=PLACE), ["b"]),
    ],
)
def test_cancel_orders_takes_what_matches_all(action: CancelOrders, expected: list[str]) -> None:
    """Every key that is given narrows the choice."""
    orders = (
        own("a", placed_ms=START - 60_000), own("b", tag="dip", price=D(90_000)),
        own("c", side=Side.SELL, rule="other", price=D(100_100)), own("d", "unknown"), own("e", symbol="ETHJPY"),
    )  # fmt: skip
    world = World(plan(rule(ALWAYS, action)), record=OwnRecord(orders=orders))
    world.step()
    assert sorted(request.id for request in world.requests if isinstance(request, CancelOrder)) == expected
    assert set(world.runs[0].awaiting) == set(expected)


def test_cancel_then_buy_waits_for_every_confirmation() -> None:
    """A buy behind `cancel_orders` is placed when each cancellation is confirmed."""
    world = World(plan(rule(ALWAYS, CancelOrders(place=PLACE), buy(10_000))),
                  record=OwnRecord(orders=(own("a"), own("b"))))  # fmt: skip
    world.step()
    for request in list(world.requests):
        world.step(after_ms=1_000)
        assert world.orders == []
        world.answer(Cancelled(foreign()), request)
    world.record = OwnRecord()
    world.step()
    assert len(world.orders) == 1


def test_a_cancel_that_was_not_sent_is_due_again() -> None:
    """A cancellation that never left is tried again at the next slot."""
    world = World(plan(stale_buys()), now_ms=START + 90_000, record=OwnRecord(orders=(own("at-test-a"),)))
    world.step()
    world.answer(NotSent("dns"))
    world.step()
    assert len([request for request in world.requests if isinstance(request, CancelOrder)]) == 2


def test_cancel_orders_without_a_match_is_done() -> None:
    """With nothing to cancel the list goes on; what cannot be known cancels nothing."""
    world = World(plan(rule(ALWAYS, CancelOrders(place=PLACE), notify("done"))))
    world.step()
    assert texts(world) == ["done"]
    cases: list[tuple[CancelOrders, dict[str, Any]]] = [
        (CancelOrders(owner="anyone", place=PLACE), {}),
        (CancelOrders(further_than=term("mid", PERCENT), place=PLACE), {"bid": None}),
        (CancelOrders(further_than=lit(1, PERCENT), place=PLACE), {"bid": None}),
    ]
    for action, more in cases:
        world = World(plan(rule(ALWAYS, action, notify("done"))), record=OwnRecord(orders=(own(),)))
        world.step(**more)
        assert (texts(world), world.state().phase) == ([], Phase.BLOCKED)


def test_one_cancel_per_order_and_cycle() -> None:
    """Two rules and an order's own timer ask for one cancellation between them."""
    orders = (own("at-test-a", cancel_at_ms=START),)
    first, second = stale_buys(), replace(stale_buys(), id="again")
    world = World(plan(first, second), now_ms=START + 90_000, record=OwnRecord(orders=orders))
    world.step()
    assert [getattr(request, "id", "") for request in world.requests] == ["at-test-a"]


def test_cancel_without_an_order_fails() -> None:
    """`cancel` outside `for_each_order` has nothing to cancel."""
    world = World(plan(rule(ALWAYS, CancelThis(place=PLACE))))
    world.step()
    assert "no order to cancel" in world.notices[0]


def test_a_second_order_beside_one_of_unknown_fate_is_not_asked_for() -> None:
    """If an order's fate becomes unknown while a list runs, its next buy is given back."""
    world = World(plan(rule(ALWAYS, CancelOrders(place=PLACE), buy())), record=OwnRecord(orders=(own("a"),)))
    world.step()
    world.answer(Cancelled(foreign()))
    world.record = OwnRecord(orders=(own("b", "unknown"),))
    world.step()
    assert (world.orders, world.state().phase) == ([], Phase.BLOCKED)


def test_decision_and_order_carry_the_same_name() -> None:
    """The client order id is made from store, rule, symbol, order, slot and step."""
    world = World(plan(rule(ALWAYS, notify(), buy())))
    world.step()
    (request,) = [request for request in world.requests if isinstance(request, PlaceRequest)]
    assert (request.key.rule, request.key.slot_ms, request.key.step, request.run) == (
        "dip",
        START,
        1,
        world.runs[0].key,
    )
    assert request.costs == (request.order.notional, "JPY")
    assert request.deadline_ms == START + 30_000
