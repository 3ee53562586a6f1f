"""Other processes of a proof: forks that serve or answer, and programs of ours that tell lines of JSON.

All of them begin and end here, so that whatever ends a proof (the last case, an error, Ctrl-C) leaves none behind. A
fork is made by a process without threads: what it must not inherit half done is a lock that a thread holds.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar

BROKE_OFF: Final = 4
INTERRUPTED: Final = 130
GRACE_SECONDS: Final = 10.0  # in which a program that heard Ctrl-C as well may tidy up
CHUNK: Final = 25  # cases that a process plays before it tells of them
Played = TypeVar("Played")
Result = TypeVar("Result")
ROOT: Final = Path(__file__).parents[2]


def cores() -> int:
    """How many processes may work here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(play: Callable[[Played], Result], cases: Sequence[Played], workers: int) -> Iterator[Result]:
    """What `play` makes of each case, in their order; played in so many processes where there are enough cases."""
    if workers <= 1 or len(cases) <= CHUNK:
        yield from map(play, cases)
        return
    chunks = [cases[at : at + CHUNK] for at in range(0, len(cases), CHUNK)]
    # Spawned and not forked: the caller may have threads, and a play must find nothing of another one.
    with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=get_context("spawn")) as pool:
        try:
            for results in pool.map(partial(_each, play), chunks):
                yield from results
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


_interrupted: list[bool] = []


def _each(play: Callable[[Played], Result], cases: Sequence[Played]) -> list[Result]:
    """Play a chunk. The pool lets a process go on after Ctrl-C with what it has fetched already: nothing of it is
    played any more.
    """
    try:
        return [] if _interrupted else [play(case) for case in cases]
    except KeyboardInterrupt:
        _interrupted.append(True)
        return []


def forked(work: Callable[[], int]) -> int:
    """Fork a process that ends with the status which `work` returns, and give its id."""
    # Libraries hang hooks on a fork (logging its locks): a Ctrl-C that lands in one is printed there, and lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return pid
    status = BROKE_OFF
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        status = work()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BaseException:  # noqa: BLE001 - a fork must not go on into its parent's code, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def answered(work: Callable[[], Any]) -> Any:
    """Do `work` in a fork, on everything as it is now; what it returned, by way of JSON. None where it broke off."""
    read, write = os.pipe()

    def told() -> int:
        with os.fdopen(write, "w") as answer:
            json.dump(work(), answer)
        return 0

    pid = forked(told)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    return json.loads(text) if os.waitpid(pid, 0)[1] == 0 else None


@dataclass(frozen=True, slots=True)
class ForkedServer:
    """A fork that serves until it is ended; `said` are the words in which it told where."""

    pid: int
    said: tuple[str, ...]

    def end(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def served(begin: Callable[[], str]) -> ForkedServer:
    """Fork a server: `begin` starts it and says where it is. It lives until it is ended or its parent is gone."""
    read, write = os.pipe()

    def serve() -> int:
        os.close(read)
        os.write(write, f"{begin()}\n".encode())
        while os.getppid() > 1:
            time.sleep(1)
        return 0

    pid = forked(serve)
    os.close(write)  # where the server fails, the line below ends empty in place of waiting for ever
    with os.fdopen(read) as line:
        return ForkedServer(pid, tuple(line.readline().split()))


@dataclass(slots=True)
class Programs:
    """Programs that tell lines of JSON on stdout, `at_once` at a time; leaving the `with` ends what still runs.

    `environ` are settings besides those of this process, for each program. `codes` are exit codes by number.
    """

    commands: Sequence[Sequence[str]]
    at_once: int
    environ: Sequence[Mapping[str, str]] = ()
    codes: dict[int, int] = field(default_factory=dict)
    _running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self._running.values():
            if isinstance(error, KeyboardInterrupt):  # the terminal has told it too: its folders go with it
                with suppress(subprocess.TimeoutExpired):
                    program.wait(GRACE_SECONDS)
            program.terminate()
            program.wait()
            if program.stdout is not None:
                program.stdout.close()

    def lines(self) -> Iterator[tuple[int, Any]]:
        """Each line that a program tells, with the program's number."""
        left = iter(range(len(self.commands)))
        with selectors.DefaultSelector() as waiting:
            for number in (next(left, None) for _ in range(self.at_once)):
                self._start(number, waiting)
            while waiting.get_map():
                for key, _ in waiting.select():
                    stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # a pipe that was registered below
                    if line := stream.readline():
                        yield key.data, json.loads(line)
                        continue
                    # An empty line is the end: the program has closed its side, and its code can be asked for.
                    waiting.unregister(stream)
                    stream.close()
                    self.codes[key.data] = self._running.pop(key.data).wait()
                    self._start(next(left, None), waiting)

    def _start(self, number: int | None, waiting: selectors.BaseSelector) -> None:
        if number is None:
            return
        path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
        more = self.environ[number] if self.environ else {}
        program = subprocess.Popen(
            self.commands[number], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path, **more}
        )
        self._running[number] = program
        if program.stdout is not None:
            waiting.register(program.stdout, selectors.EVENT_READ, number)


def as_program(work: Callable[[], object]) -> None:
    """Be a program that another one of ours reads: Ctrl-C, which both hear, ends it without a word."""
    try:
        work()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def tell(what: Mapping[str, Any]) -> None:
    """One line of JSON, for the process that started this one."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
