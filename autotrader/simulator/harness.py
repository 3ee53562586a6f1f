"""The simulator as a Python object for tests and the demo, and as a program.

    with Simulator(tape="btcjpy-2018-01", time="stepped") as sim:
        client = make_client(sim.url, sim.accounts[0].key, sim.accounts[0].secret)
        sim.advance(60)

Time is ``stepped``: it moves only by ``advance`` (or POST /simulator/advance),
never during a request; or ``real``: it runs with the machine's monotonic clock
from ``start_at``, ``speed`` times as fast.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal, Self

from autotrader.errors import UsageError
from autotrader.simulator import control
from autotrader.simulator.accounts import Account
from autotrader.simulator.exchange import Exchange
from autotrader.simulator.faults.injector import Faults
from autotrader.simulator.limits import RAW_LIMIT
from autotrader.simulator.protocol import CONTROL, Answer, Delivery, Later, Request
from autotrader.simulator.seeded import SeededSource
from autotrader.simulator.server import Reply, Server
from autotrader.simulator.state import KEEP
from autotrader.simulator.symbols import DEFAULT_SYMBOLS, SymbolSpec
from autotrader.simulator.tape import MINUTE, MinuteSource, RecordedSource, TapeError, load

TimeMode = Literal["real", "stepped"]
SEEDED_START = 1_767_571_200_000
"""Where stepped time begins in a generated market: 2026-01-05 00:00 UTC, a Monday."""
SEEDED_HISTORY_MINUTES = 25 * 60


class SimulatorError(UsageError):
    """The simulator cannot be set up as asked; the message says what is allowed."""


def milliseconds(moment: int | str | datetime) -> int:
    """A moment given as ms since 1970, as ISO text (UTC unless it names a zone) or as a datetime."""
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        if moment.isascii() and moment.isdigit():
            return int(moment)
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise SimulatorError(
                f"start {moment!r}: milliseconds since 1970 or a time like 2018-01-24T15:00:00Z is needed"
            ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def _listings(
    tape: str | Path | None,
    seed: int | None,
    symbols: Sequence[str | SymbolSpec] | None,
    start: int | None,
    history_minutes: int,
) -> tuple[list[tuple[SymbolSpec, MinuteSource]], int]:
    """Symbols with their sources, and when play begins."""
    recorded = load(tape) if tape is not None else {}
    if tape is None and seed is None:
        seed = 1
    wanted = symbols if symbols is not None else list(recorded) or list(DEFAULT_SYMBOLS)
    if start is None:
        # the latest: before it one of the tapes would have no history
        start = max((source.play_from for source in recorded.values()), default=SEEDED_START)
    listings: list[tuple[SymbolSpec, MinuteSource]] = []
    for item in wanted:
        spec = item if isinstance(item, SymbolSpec) else _spec(item, recorded)
        listings.append((spec, _source(spec, recorded.get(spec.symbol), seed, start, history_minutes)))
    return listings, start


def _spec(name: str, recorded: Mapping[str, RecordedSource]) -> SymbolSpec:
    if name in DEFAULT_SYMBOLS:
        return DEFAULT_SYMBOLS[name]
    for quote in ("JPY", "USDT", "BTC"):
        if name in recorded and name.endswith(quote) and name != quote:
            return replace(DEFAULT_SYMBOLS["BTCJPY"], symbol=name, base=name.removesuffix(quote), quote=quote)
    raise SimulatorError(f"symbol {name!r}: one of {', '.join([*DEFAULT_SYMBOLS, *recorded])} is needed")


def _source(
    spec: SymbolSpec, recorded: RecordedSource | None, seed: int | None, start: int, history_minutes: int
) -> MinuteSource:
    if recorded is not None:
        last = recorded.rows[-1].open_time + MINUTE
        if not recorded.first <= start < last:
            raise SimulatorError(f"start {start}: the tape of {spec.symbol} runs from {recorded.first} to {last} (ms)")
        return recorded
    if seed is None:
        raise SimulatorError(f"symbol {spec.symbol!r} is not on the tape; give a seed to generate it")
    first = (start // MINUTE - history_minutes) * MINUTE
    return SeededSource(spec, seed, first, start)


class Simulator:
    """An exchange on loopback HTTP. A context manager; also usable by ``start`` and ``close``."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing a test may want to set
        self,
        *,
        tape: str | Path | None = None,
        seed: int | None = None,
        time: TimeMode = "stepped",
        start_at: int | str | datetime | None = None,
        accounts: Iterable[Account] | None = None,
        symbols: Sequence[str | SymbolSpec] | None = None,
        speed: float = 1.0,
        port: int = 0,
        weight_limit: int = 6000,
        order_limits: tuple[int, int] = (100, 200_000),
        raw_limit: int = RAW_LIMIT,
        keep_orders: int = KEEP,
        faults: Faults | None = None,
        history_minutes: int = SEEDED_HISTORY_MINUTES,
    ) -> None:
        """``history_minutes``: how much of a generated market lies before its start; less is made sooner."""
        start = None if start_at is None else milliseconds(start_at)
        if start is None and time == "real" and tape is None:
            start = clock.time_ns() // 1_000_000
        listings, start = _listings(tape, seed, symbols, start, history_minutes)
        self.accounts: tuple[Account, ...] = tuple(accounts) if accounts is not None else (Account.named("main"),)
        self.exchange = Exchange(
            listings, self.accounts, start, weight_limit=weight_limit, order_limits=order_limits,
            raw_limit=raw_limit, keep_orders=keep_orders,
        )  # fmt: skip
        self.faults = faults
        if faults is not None:
            faults.attach(self.exchange, real_time=time == "real")
            self.exchange.faults = faults
        self.time: TimeMode = time
        self._speed = speed
        self._port = port
        self._server: Server | None = None
        self._begun = clock.monotonic_ns()

    # ---- life ------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to listen; real time begins now."""
        if self._server is None:
            self._begun = clock.monotonic_ns()
            self._server = Server(self._handle, self._port)
        return self

    def close(self) -> None:
        """Stop listening; the exchange's state can still be read."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise SimulatorError("the simulator is not running; use it in a with-statement or call start()")
        return self._server.port

    @property
    def url(self) -> str:
        """The base address, such as http://127.0.0.1:40001."""
        return f"http://127.0.0.1:{self.port}"

    def _handle(
        self, method: str, path: str, query: bytes, body: bytes, headers: dict[str, str], address: str
    ) -> Reply:
        self._catch_up()
        if self.faults is None or path.startswith(CONTROL):
            return self.exchange.handle(method, path, query, body, headers, address)
        reply = self.faults.handle(Request(method, path, query, body, headers, address))
        # time goes on for everybody else while one request is on its way
        return Later(reply.seconds, lambda: self._resume(reply)) if isinstance(reply, Later) else reply

    def _resume(self, held: Later) -> Answer | Delivery:
        """Answer a request that was on its way for a while."""
        self._catch_up()
        return held.then()

    def _catch_up(self) -> None:
        """In real time, play what has happened since the last look."""
        if self.time == "real":
            elapsed = (clock.monotonic_ns() - self._begun) * self._speed / 1000
            # from the start each time, so that rounding does not add up
            self.exchange.advance_to(self.exchange.started_ms * 1000 + int(elapsed))

    # ---- a test's view -----------------------------------------------------------

    def _locked(self, read: Callable[[], Any]) -> Any:
        if self._server is None:
            return read()
        with self._server.lock:
            self._catch_up()
            return read()

    def advance(self, seconds: float) -> int:
        """Move stepped time forward; returns the new time in ms."""
        if self.time != "stepped":
            raise SimulatorError("only stepped time can be advanced; this simulator runs in real time")
        self._locked(lambda: self.exchange.advance(round(seconds * 1000)))
        return self.exchange.now_ms

    @property
    def now_ms(self) -> int:
        """The exchange's time in ms."""
        return int(self._locked(lambda: self.exchange.now_ms))

    def state(self) -> dict[str, Any]:
        """What GET /simulator/state answers."""
        shown: dict[str, Any] = self._locked(lambda: control.state(self.exchange))
        return shown

    def orders(self, account: str | None = None) -> list[dict[str, Any]]:
        """All orders of an account (default: the first), oldest first, in the venue's own words."""
        rows: list[dict[str, Any]] = self.state()["accounts"][account or self.accounts[0].name]["orders"]
        return sorted(rows, key=lambda row: int(row["orderId"]))

    def trades(self, account: str | None = None) -> list[dict[str, Any]]:
        """All own trades of an account (default: the first), oldest first."""
        rows: list[dict[str, Any]] = self.state()["accounts"][account or self.accounts[0].name]["trades"]
        return sorted(rows, key=lambda row: int(row["id"]))

    def balances(self, key: str | None = None) -> dict[str, tuple[Decimal, Decimal]]:
        """Free and locked per asset of the account with that key or name (default: the first)."""
        wanted = key or self.accounts[0].name
        name = next((a.name for a in self.accounts if wanted in (a.key, a.name)), wanted)
        shown = self.state()["accounts"][name]["balances"]
        return {asset: (Decimal(b["free"]), Decimal(b["locked"])) for asset, b in shown.items()}

    def requests(self) -> dict[str, Any]:
        """What GET /simulator/requests answers: counts by call, and ``trade``: those that place or cancel."""
        shown: dict[str, Any] = self._locked(lambda: control.requests(self.exchange))
        return shown

    def check(self) -> None:
        """Raises AssertionError when the books do not balance."""
        self._locked(self.exchange.engine.check)


def read_accounts(file: Path) -> list[Account]:
    """Accounts from a JSON file: ``{"accounts": [{"name", "key", "secret", "balances": {asset: amount}, …}]}``."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["accounts"]
        return [_account(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise SimulatorError(
            f'{file.name}: cannot be read as accounts ({type(error).__name__}); needed is {{"accounts": '
            '[{"name": "main", "key": "…", "secret": "…", "balances": {"JPY": "1000000"}}]}'
        ) from None


def _account(row: Mapping[str, Any]) -> Account:
    plain = Account.named(str(row["name"]), row.get("balances"))
    known = {"key", "secret", "bnb_fees", "may_trade", "can_trade", "ip_restrict", "may_withdraw", "public_key"}
    known |= {"may_transfer", "may_transfer_inside", "may_read", "may_margin", "trading_ends_ms"}
    unknown = row.keys() - known - {"name", "balances", "permissions", "maker_rate", "taker_rate", "bnb_discount"}
    if unknown:
        raise ValueError(", ".join(unknown))
    changes: dict[str, Any] = {name: row[name] for name in known & row.keys()}
    changes |= {n: Decimal(str(row[n])) for n in ("maker_rate", "taker_rate", "bnb_discount") if n in row}
    if "permissions" in row:
        changes["permissions"] = tuple(row["permissions"])
    return replace(plain, **changes)


def serve(  # noqa: PLR0913 - one keyword for each option of the command
    *,
    port: int = 0,
    tape: str | Path | None = None,
    seed: int | None = None,
    time: TimeMode = "real",
    speed: float = 1.0,
    accounts: str | Path | None = None,
    symbols: Sequence[str] | None = None,
    start_at: int | str | datetime | None = None,
    faults: str | Path | None = None,
    print_url: bool = False,
) -> int:
    """Run a simulator until SIGINT or SIGTERM; returns the signal's number.

    ``print_url``: its address alone on standard output. Raises SimulatorError or
    TapeError for a bad set-up, OSError when it cannot listen there.
    """
    given = read_accounts(Path(accounts)) if accounts is not None else None
    simulator = Simulator(
        tape=tape, seed=seed, time=time, speed=speed, accounts=given, symbols=symbols, start_at=start_at, port=port,
        faults=None if faults is None else Faults.read(faults),
    )  # fmt: skip
    stopped = threading.Event()
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator:
            _announce(simulator, made=given is None, print_url=print_url)
            while not stopped.wait(3600):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return received[0]


def _announce(simulator: Simulator, *, made: bool, print_url: bool) -> None:
    say = sys.stderr.write
    now = datetime.fromtimestamp(simulator.exchange.started_ms / 1000, UTC)
    say(f"simulator: {simulator.url}  {simulator.time} time from {now:%Y-%m-%d %H:%M:%S} UTC  ")
    say(f"symbols {', '.join(simulator.exchange.markets)}\n")
    if made:
        account = simulator.accounts[0]
        say("test account, good for this simulator only:\n")
        say(f"  key     {account.key}\n  secret  {account.secret}\n")
    sys.stderr.flush()
    if print_url:
        sys.stdout.write(simulator.url + "\n")
        sys.stdout.flush()


__all__ = ["Simulator", "SimulatorError", "TapeError", "read_accounts", "serve"]
