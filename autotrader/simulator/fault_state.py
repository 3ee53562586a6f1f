"""What faults leave behind for a while: hidden orders, late balances, revoked keys, settings to be given back.

Strategy: lasting faults are overlays on answers or settings of the exchange
that a timer of its own clock gives back; orders and money themselves stay true,
so the books balance whatever was injected.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autotrader.simulator.exchange import JSON, Answer, Exchange
from autotrader.simulator.symbols import text

if TYPE_CHECKING:
    from autotrader.simulator.faults import Case

Balances = dict[str, tuple[str, str]]
REMEMBERED = 1000
NOT_SIGNED = ("timestamp", "recvWindow", "signature")


def refusal(status: int, code: int, message: str) -> Answer:
    """The venue's way to say no."""
    return Answer(status, {"Content-Type": JSON}, json.dumps({"code": code, "msg": message}).encode())


def rewritten(answer: Answer, value: Any) -> Answer:
    """The same answer with another JSON body."""
    return answer._replace(body=json.dumps(value, separators=(",", ":")).encode())


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
        for number in sorted(self._give_back, reverse=True):
            self._undo(number)
        self.hidden.clear()
        self.late_balances.clear()
        self.exchange.revoked.clear()

    # ---- what was answered before ------------------------------------------------

    def remember(self, case: Case) -> None:
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

    def earlier(self, case: Case) -> Answer | None:
        """The newest earlier answer to the same question that differs from the present one."""
        present = case.answer.body if case.answer is not None else b""
        kept = self._answers.get(_question(case), [])
        return next((answer for answer in reversed(kept) if answer.body != present), None)

    def other(self, case: Case) -> Answer | None:
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

    def overlay(self, case: Case) -> None:
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
            case.answer = rewritten(answer, value)

    def _hide(self, case: Case, answer: Answer) -> None:
        name = case.request.path.rpartition("/")[2]
        if name == "order" and self.is_hidden(json.loads(answer.body)["orderId"]):
            case.answer = refusal(400, -2013, "Order does not exist.")
        elif name in ("openOrders", "allOrders", "myTrades"):
            rows = json.loads(answer.body)
            shown = [row for row in rows if not self.is_hidden(row["orderId"])]
            if len(shown) < len(rows):
                case.answer = rewritten(answer, shown)

    def _make_late(self, case: Case, answer: Answer) -> None:
        client = self.exchange.client_of(case.request.headers.get("x-mbx-apikey", ""))
        if client is None or client.account.name not in self.late_balances:
            return
        until, balances = self.late_balances[client.account.name]
        if self.exchange.now_ms >= until:
            del self.late_balances[client.account.name]
            return
        value = json.loads(answer.body)
        for row in value["balances"] if isinstance(value, dict) else value:
            row["free"], row["locked"] = balances.get(row["asset"], ("0.00000000", "0.00000000"))
        case.answer = rewritten(answer, value)


def _question(case: Case) -> tuple[str, ...]:
    asked = sorted(f"{name}={value}" for name, value in case.params.items() if name not in NOT_SIGNED)
    return (case.request.headers.get("x-mbx-apikey", ""), case.request.call, *asked)
