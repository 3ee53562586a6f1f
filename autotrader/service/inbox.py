"""What other processes ask of the running service, carried out between steps.

Commands are a table. Each is carried out once, and an answer goes back to the asker afterwards. What only changes the
records (`pause`, and `resume` of rules) is written in one transaction with its number: a process that dies in between
has done neither, and does it after its restart. What asks the exchange or lifts a halt counts as done from the moment
it begins: it is never done later, behind the back of an asker who has heard nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from autotrader.engine.halt import HaltLevel
from autotrader.errors import AutotraderError, RecordsBroken
from autotrader.records.crash import crash_point
from autotrader.records.inbox import InboxEntry
from autotrader.runtime import Runtime
from autotrader.service.hand import cancel_all, cancel_by_hand, place_by_hand, wanted_from
from autotrader.service.pausing import Pausing
from autotrader.text import printable

Answer = Mapping[str, object]

ORDER_GOOD_MS = 8_000  # less than an asker waits: an order that was given up is never placed behind their back


class Desk:
    """Obeys the inbox of one runtime."""

    def __init__(
        self, runtime: Runtime, log: Callable[[str, str], None], wall: Callable[[], float] = time.time
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._wall = wall
        self._inbox = runtime.store.inbox()
        self._done = int(runtime.store.settings.get("inbox_done", 0))
        self._obeyed: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
            "halt": self._halt,
            "resume": self._resume,
            "pause": self._pause,
            "order": self._order,
            "cancel": self._cancel,
            "adopt": lambda arguments: self._runtime.settle(str(arguments["order"]), "adopt"),
            "ignore": lambda arguments: self._runtime.settle(str(arguments["order"]), "ignore"),
        }

    def obey(self) -> None:
        """Carry out what is new. A command that fails is answered with its error and not tried again.

        Raises RecordsBroken where a row could not be written.
        """
        for entry in self._inbox.after(self._done):
            answer = self._one(entry)
            crash_point("command_done")
            self._inbox.answer(entry.id, answer)

    def _one(self, entry: InboxEntry) -> Answer:
        with self._runtime.store.transaction() if _is_of_the_records(entry) else nullcontext():
            self._begin(entry)
            return self._carried_out(entry)

    def _carried_out(self, entry: InboxEntry) -> Answer:
        work = self._obeyed.get(entry.command)
        if work is None:
            return {"error": f"this service does not know the command {printable(entry.command)[:40]}"}
        if entry.problem:
            return {"error": f"the command {entry.command} cannot be read: {entry.problem}"}
        waited_ms = int(self._wall() * 1000) - entry.time_ms
        if entry.command == "order" and not 0 <= waited_ms + 1_000 <= ORDER_GOOD_MS + 1_000:
            return {"error": f"the order lay unread for {waited_ms / 1000:.0f} s and was not placed", "exit_code": 4}
        try:
            return work(entry.arguments)
        except RecordsBroken:
            raise
        except AutotraderError as error:
            return {"error": error.message, "exit_code": error.exit_code}
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            return {"error": f"the command {entry.command} cannot be carried out: {type(error).__name__}: {error}"}

    def _begin(self, entry: InboxEntry) -> None:
        """Once this is on disk the entry counts as done, whatever comes of it: nothing is carried out twice."""
        now_ms, store = self._runtime.connection.clock.now_ms(), self._runtime.store
        with store.transaction():
            store.settings.set("inbox_done", entry.id, now_ms)
            said = {"problem": entry.problem} if entry.problem else {"arguments": dict(entry.arguments)}
            store.chain.append(now_ms, "command", entry.command, said)
        self._done = entry.id
        crash_point("command_begun")
        self._log("info", f"asked from outside: {printable(entry.command)[:40]}")

    def _halt(self, arguments: Mapping[str, Any]) -> Answer:
        runtime, now_ms = self._runtime, self._runtime.connection.clock.now_ms()
        level = HaltLevel(arguments.get("level", HaltLevel.HALT))
        runtime.store.halt(str(arguments.get("reason", "by hand")), now_ms, level)
        return {"halted": True, "cancelled": cancel_all(runtime) if level is HaltLevel.CANCEL else []}

    def _resume(self, arguments: Mapping[str, Any]) -> Answer:
        now_ms = self._runtime.connection.clock.now_ms()
        if _is_about_rules(arguments):
            return self._pause({**arguments, "resume": True})
        self._runtime.store.resume(now_ms)
        return {"halted": False}

    def _pause(self, arguments: Mapping[str, Any]) -> Answer:
        now_ms = self._runtime.connection.clock.now_ms()
        request = Pausing.of(arguments).request(now_ms)  # what makes no sense must not undo what is written outside
        with self._runtime.store.transaction():
            self._runtime.cycle.kept.pause(request, now_ms)
        return {"paused": [pause.name for pause in self._runtime.cycle.kept.pauses_at(now_ms)]}

    def _order(self, arguments: Mapping[str, Any]) -> Answer:

        return place_by_hand(self._runtime, wanted_from(arguments))

    def _cancel(self, arguments: Mapping[str, Any]) -> Answer:

        return cancel_by_hand(self._runtime, str(arguments["id"]))


def _is_about_rules(arguments: Mapping[str, Any]) -> bool:
    """Whether rules or labels are named; a `resume` without them lifts the halt."""
    return bool(arguments.get("rules") or arguments.get("labels"))


def _is_of_the_records(entry: InboxEntry) -> bool:
    """Whether its whole effect can be written together with its number."""
    return entry.command == "pause" or (entry.command == "resume" and _is_about_rules(entry.arguments))
