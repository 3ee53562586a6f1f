"""Runs the command line in a process of its own without paying for its imports each time.

`multiprocessing`'s fork server loads the packages once; each command is a fork of it with its own folder, environment
and audit hook, and ends with the exit code of `autotrader.cli.main`. Where coverage is measured, `sandbox` starts the
installed program instead: a fork would not be counted.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

LOADED = [
    "autotrader.cli", "autotrader.runtime", "autotrader.service.runner", "autotrader.service.logs",
    "autotrader.service.notify", "autotrader.exchanges.binance.connection", "autotrader.language.load",
    "autotrader.market.indicators", "autotrader.records.store", "tests.docs.process",
]  # fmt: skip
SECONDS = 50


def run(
    words: Sequence[str], folder: Path, environ: Mapping[str, str], noted: Path, printed: Path
) -> tuple[int, str, str]:
    """One command line: exit code, standard output, standard error. Raises TimeoutError after 50 seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    out, err = printed / "stdout", printed / "stderr"
    places = [str(each) for each in (folder, noted, out, err)]
    child = context.Process(target=_child, args=(list(words), dict(environ), *places))
    child.start()
    child.join(SECONDS)
    if child.exitcode is None:
        child.kill()
        raise TimeoutError(f"autotrader {' '.join(words)} did not end")
    return child.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


def _child(words: list[str], environ: dict[str, str], folder: str, noted: str, out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - as a shell would; closed by the end
    sys.stdout = open(out, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the same
    sys.stderr = open(err, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the same
    sys.addaudithook(lambda event, arguments: guard(event, arguments, noted))
    sys.argv = ["autotrader", *words]
    from autotrader.cli import main

    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def guard(event: str, arguments: tuple[object, ...], noted: str) -> None:
    """Refuse, and note, what would leave this machine. Raises OSError."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name not in {"127.0.0.1", "::1", "localhost"}:
        with open(noted, "a", encoding="utf-8") as notes:  # noqa: PTH123 - pathlib may not be loaded in a starting process
            notes.write(f"{event} {name}\n")
        raise OSError(f"the documents' sandbox is closed: {name}")
