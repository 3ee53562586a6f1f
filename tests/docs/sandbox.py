"""A place in which a document's commands are run: a home of its own, a project, a simulator, and no way out.

The project is what `autotrader init` writes, pointed at the simulator by its `base_url`; key and secret are the
simulator's test pair. The simulator's clock begins ten minutes ago on a full minute; before each `autotrader run` it
jumps to the next full minute, where every rule of a project is due. Every process gets an audit hook which refuses, and
notes, any connection that leaves loopback.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from autotrader.simulator import Account, Simulator
from tests.docs import process
from tests.docs.blocks import ROOT, Step

ACCOUNT = Account.named("docs", {"JPY": "100000", "BTC": "0.001"})
MINUTE_MS = 60_000
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_GUARD = """\
import sys
from tests.docs.process import guard
sys.addaudithook(lambda event, arguments: guard(event, arguments, {noted!r}))
"""


def exchange() -> Simulator:
    """The simulator of one document: a market drawn from a seed, in real time from ten minutes ago."""
    started = (time.time_ns() // 1_000_000 // MINUTE_MS - 10) * MINUTE_MS
    return Simulator(seed=7, time="real", start_at=started, accounts=[ACCOUNT])


class Sandbox:
    """Runs a document's commands one after the other, as a shell of the user's would."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        """Make the home below `folder`; nothing is started."""
        self._simulator, self._url = simulator, simulator.url
        self._folder, self._noted = folder, folder / "left-loopback.txt"
        self.here = self._home = folder / "home"
        programs, guard, secrets = folder / "bin", folder / "guard", self._home / ".config" / "autotrader"
        for each in (programs, guard, secrets):
            each.mkdir(parents=True)
        (guard / "sitecustomize.py").write_text(_GUARD.format(noted=str(self._noted)))
        python = ROOT / ".venv" / "bin" / "python"
        launcher = programs / "autotrader"
        launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -m autotrader "$@"\n')
        launcher.chmod(0o755)
        secret = secrets / "secret"
        secret.write_text(ACCOUNT.secret + "\n")
        secret.chmod(0o600)
        self._environ = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(self._home),
            "PYTHONPATH": f"{guard}:{ROOT}",
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "AUTOTRADER_API_KEY": ACCOUNT.key,
            "AUTOTRADER_API_SECRET_FILE": str(secret),
        }
        self._environ |= {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE")}

    def init(self) -> None:
        """Make the project in which most documents begin, and go there."""
        self._shell("autotrader init my-rules")
        self.here = self._home / "my-rules"

    def run(self, step: Step) -> tuple[int, str]:
        """One command: its exit code, and its results followed by what it told besides.

        What `cd` and `export` do lasts, as in a shell.
        """
        words = shlex.split(step.command)
        if words[0] == "cd":
            self.here = (self.here / words[1].replace("~", str(self._home))).resolve()
            return 0, ""
        if words[0] == "export":
            for word in words[1:]:
                name, _, value = word.partition("=")
                self._environ[name] = value.replace("~", str(self._home))
            return 0, ""
        if "autotrader run" in step.command:
            self._to_the_next_minute()
        return self._shell(step.command)

    def left(self) -> str:
        """Which connections tried to leave this machine."""
        return self._noted.read_text() if self._noted.exists() else ""

    def _shell(self, command: str) -> tuple[int, str]:
        code, out, err = self._forked(command) or self._started(command)
        self._point_at_simulator()
        return code, out + err

    def _forked(self, command: str) -> tuple[int, str, str] | None:
        """A plain command of ours, perhaps behind variables and with patterns of files; None for other commands."""
        words = shlex.split(command)
        given = list(itertools.takewhile(_ASSIGNMENT.match, words))
        rest = words[len(given) :]
        measured = any(name.startswith("COV") for name in os.environ)
        if rest[0] != "autotrader" or {"|", ">", "&&"} & set(rest) or measured:
            return None
        environ = self._environ | dict(word.split("=", 1) for word in given)
        named = [found for word in rest[1:] for found in self._files(word)]
        return process.run(named, self.here, environ, self._noted, self._folder)

    def _files(self, word: str) -> list[str]:
        """The files that a pattern below the home means; any other word as it is."""
        if not word.startswith("~/"):
            return [word]
        return sorted(str(path) for path in self._home.glob(word[2:]))

    def _started(self, command: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["/bin/bash", "-c", command], cwd=self.here, env=self._environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def _to_the_next_minute(self) -> None:
        to_go = MINUTE_MS - self._simulator.now_ms % MINUTE_MS
        self._simulator._begun -= to_go * 1_000_000

    def _point_at_simulator(self) -> None:
        for file in self._home.rglob("autotrader.yaml"):
            text = file.read_text(encoding="utf-8")
            if "base_url" not in text:
                address = f'{{name: binance, base_url: "{self._url}"'
                file.write_text(re.sub(r"\{name: binance", address, text, count=1), encoding="utf-8")
