"""One request and what faults make of it: the kinds' common form, the case they act on, and what they leave behind.

Strategy: lasting faults are overlays on answers, or settings of the exchange
that a timer of its own clock gives back; orders and money themselves stay true,
so the books balance whatever was injected.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autotrader.simulator.exchange import Exchange
from autotrader.simulator.protocol import JSON, Answer, Request
from autotrader.simulator.symbols import text

Balances = dict[str, tuple[str, str]]
REMEMBERED = 1000
NOT_SIGNED = ("timestamp", "recvWindow", "signature")
ALL = ("*",)
PLACE = ("POST order",)


def refusal(status: int, code: int, message: str) -> Answer:
    """The venue's way to say no."""
    return Answer(status, {"Content-Type": JSON}, json.dumps({"code": code, "msg": message}).encode())


class FaultCase:
    """One request and what the faults make of it."""

    def __init__(self, exchange: Exchange, request: Request, state: FaultState) -> None:
        self.exchange = exchange
        self.request = request
        self.state = state
        self.execute = True
        """Whether the exchange gets to see the request."""
        self.answer: Answer | None = None
        self.manner = "whole"
        self.wait = 0.0
        self.pause = 0.0
        self.delay_ms = 0
        self.settings: Mapping[str, Any] = {}
        self.details: dict[str, Any] = {}
        self.done = True
        """A kind sets it to False when there was nothing it could do; then it is not logged."""

    @cached_property
    def params(self) -> dict[str, str]:
        """The request's parameters, read when a fault asks for them."""
        return self.request.params()

    def value(self) -> Any:
        """The parsed answer; None where it is a refusal, or no JSON because another fault took its place."""
        answer = self.answer
        self.done = answer is not None and answer.status == 200
        try:
            return json.loads(answer.body) if answer is not None and self.done else None
        except ValueError:
            self.done = False
            return None

    def show(self, value: Any) -> None:
        """Another body for the answer."""
        if self.answer is not None:
            self.answer = self.answer.rewritten(value)


Action = Callable[[FaultCase], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue. ``settings`` gives names and defaults; None takes any value.

    ``before`` acts before the exchange sees the request, ``after`` when there is an answer. ``whole`` kinds replace the
    answer or break the wire, so at most one of them acts on a request; the others change what the exchange does or edit
    a true answer, and go together.
    """

    text: str
    calls: tuple[str, ...] = ALL
    settings: Mapping[str, Any] = field(default_factory=dict)
    before: Action | None = None
    after: Action | None = None
    whole: bool = False
    check: Callable[[Mapping[str, Any]], str] = lambda _settings: ""
    """What is wrong with settings beyond their types."""


class FaultState:
    """Lasting faults of one exchange. Times in ms of its clock."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.nothing = Answer(200, {"Content-Type": JSON}, b"")
        self.hidden: dict[int, list[tuple[int, int]]] = {}
        self.late_balances: dict[str, tuple[int, Balances]] = {}
        self.acks: dict[int, dict[str, Any]] = {}
        self._answers: OrderedDict[tuple[str, ...], list[Answer]] = OrderedDict()
        self._last: dict[str, Answer] = {}
        self._give_back: dict[int, Callable[[], object]] = {}
        self._numbers = 0

    # ---- for a while -----------------------------------------------------------

    def for_a_while(self, seconds: float, give_back: Callable[[], object]) -> None:
        """Undo something after that many seconds of the exchange's time; 0: only when the faults are stopped."""
        self._numbers += 1
        number = self._numbers
        self._give_back[number] = give_back
        if seconds > 0:
            self.exchange.at(self.exchange.now_us + round(seconds * 1_000_000), lambda: self._undo(number))

    def _undo(self, number: int) -> None:
        give_back = self._give_back.pop(number, None)
        if give_back is not None:
            give_back()

    def end(self) -> None:
        """End everything that still lasts."""
        # Newest first: each gives back what it found, which an older one had changed.
        for number in sorted(self._give_back, reverse=True):
            self._undo(number)
        self.hidden.clear()
        self.late_balances.clear()
        self.exchange.revoked.clear()

    # ---- what was answered before ------------------------------------------------

    def remember(self, case: FaultCase) -> None:
        """Keep the answer for polls that come back out of order and for replies of other requests."""
        answer = case.answer
        if answer is None or answer.status != 200 or not case.execute:
            return
        self._last[case.request.call] = answer
        if case.request.method != "GET":
            return
        kept = self._answers.setdefault(_question(case), [])
        if not kept or kept[-1].body != answer.body:
            kept.append(answer)
            del kept[:-2]
        self._answers.move_to_end(_question(case))
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    def earlier(self, case: FaultCase) -> Answer | None:
        """The newest earlier answer to the same question that differs from the present one."""
        present = case.answer.body if case.answer is not None else b""
        kept = self._answers.get(_question(case), [])
        return next((answer for answer in reversed(kept) if answer.body != present), None)

    def other(self, case: FaultCase) -> Answer | None:
        """The newest answer to another call."""
        return next((self._last[call] for call in reversed(self._last) if call != case.request.call), None)

    # ---- overlays --------------------------------------------------------------

    def is_hidden(self, order_id: int) -> bool:
        """Whether queries do not show that order now."""
        now = self.exchange.now_ms
        spans = self.hidden.get(order_id)
        if spans is None:
            return False
        if all(end <= now for _, end in spans):
            del self.hidden[order_id]
        return any(begin <= now < end for begin, end in spans)

    def balances_of(self, name: str) -> Balances:
        """An account's balances as texts, free and locked."""
        assets = self.exchange.engine.clients[name].purse.assets
        return {asset: (text(balance.free), text(balance.locked)) for asset, balance in assets.items()}

    def overlay(self, case: FaultCase) -> None:
        """Apply to a true answer what still lasts."""
        answer = case.answer
        if answer is None or answer.status != 200:
            return
        if self.hidden and case.request.method == "GET":
            self._hide(case, answer)
        if self.late_balances and case.request.path.endswith(("/account", "/getUserAsset")):
            self._make_late(case, answer)
        if self.exchange.skew_us and case.request.call in ("GET time", "GET exchangeInfo"):
            value = json.loads(answer.body)
            value["serverTime"] += self.exchange.skew_us // 1000
            case.answer = answer.rewritten(value)

    def _hide(self, case: FaultCase, answer: Answer) -> None:
        name = case.request.path.rpartition("/")[2]
        if name == "order" and self.is_hidden(json.loads(answer.body)["orderId"]):
            case.answer = refusal(400, -2013, "Order does not exist.")
        elif name in ("openOrders", "allOrders", "myTrades"):
            rows = json.loads(answer.body)
            shown = [row for row in rows if not self.is_hidden(row["orderId"])]
            if len(shown) < len(rows):
                case.answer = answer.rewritten(shown)

    def _make_late(self, case: FaultCase, answer: Answer) -> None:
        client = self.exchange.client_of(case.request.key)
        if client is None or client.account.name not in self.late_balances:
            return
        until, balances = self.late_balances[client.account.name]
        if self.exchange.now_ms >= until:
            del self.late_balances[client.account.name]
            return
        value = json.loads(answer.body)
        for row in value["balances"] if isinstance(value, dict) else value:
            row["free"], row["locked"] = balances.get(row["asset"], ("0.00000000", "0.00000000"))
        case.answer = answer.rewritten(value)


def _question(case: FaultCase) -> tuple[str, ...]:
    asked = sorted(f"{name}={value}" for name, value in case.params.items() if name not in NOT_SIGNED)
    return (case.request.key, case.request.call, *asked)
