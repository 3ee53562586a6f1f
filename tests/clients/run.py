"""Unmodified third-party clients at the simulator: install each apart, run one script, compare all with all.

    python3 dev.py clients [NAME …] [--keep FOLDER]

Strategy: each client lives in an environment of its own, made anew unless it is
there, in a cache folder. All run the same script (``script.py``), each with an
account of its own at a simulator of its own on the same seed. What they report
must be the same for all, and agree with what the simulator itself recorded.
Which index packages come from is the user's own configuration of pip and npm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from autotrader.simulator import Account, Simulator
from tests.clients.script import plain

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLIENTS = {
    "ccxt": "with_ccxt.py",
    "python-binance": "with_python_binance.py",
    "binance-connector": "with_binance_connector.py",
    "binance-sdk-spot": "with_binance_sdk_spot.py",
    "binance-api-node": "with_binance_api_node.py",
}
NODE = {"binance-api-node"}
SIGNATURES = ("HMAC", "Ed25519", "RSA")
HMAC_ONLY = {"binance-api-node"}
BALANCES = {"JPY": Decimal(100_000_000), "BTC": Decimal(1)}
TIMEOUT = 180
EXPECTED: dict[str, Any] = {
    "time": True,
    "info": {"tick": "1", "step": "0.000001", "minimum": "100"},
    "tickers": {"ordered": True, "near": True},
    "book": {"bids": 10, "asks": 10, "ordered": True},
    "klines": {"rows": 5, "steps": [60_000], "right": True},
    "balances": {"BTC": ["1", "0"], "JPY": ["100000000", "0"]},
    "limit": "NEW 0",
    "market": "FILLED 0.002",
    "maker": "NEW 0",
    "query": "NEW 0",
    "query by client id": "NEW 0",
    "too much money": "-2010",
    "too far": "-1013",
    "same id": "-2010",
    "would take": "-2010",
    "unknown order": "-2013",
    "unknown cancel": "-2011",
    "bad signature": "-1022",
    "bad signature of an order": "-1022",
    "cancel": "CANCELED 0",
    "cancel by client id": "CANCELED 0",
    "query cancelled": "CANCELED 0",
    "open at the end": 0,
}
"""What every client has to see; the other steps are judged by the simulator's record alone."""
RECORDED = {
    "limit": "limit",
    "market": "market",
    "maker": "maker",
    "query": "limit",
    "query by client id": "maker",
    "cancel": "limit",
    "cancel by client id": "maker",
    "query cancelled": "maker",
}
"""Steps and the order, by the end of its client id, that each is about."""


@dataclass(frozen=True)
class Outcome:
    """One client's report, its version, and what it got wrong."""

    name: str
    signature: str
    version: str
    steps: Mapping[str, Any]
    wrong: tuple[str, ...]


def prepare(name: str, cache: Path) -> tuple[list[str], dict[str, str], str]:
    """Install a client where it is not; the interpreter, its environment variables and the client's version."""
    folder = cache / name
    plain = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    plain["PYTHONPATH"] = str(ROOT)
    plain["NO_PROXY"] = "127.0.0.1"
    if name in NODE:
        if not (folder / "node_modules" / name).is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text("{}\n")
            _quiet(["npm", "install", "--no-fund", "--no-audit", "--silent", name], folder)
        package = json.loads((folder / "node_modules" / name / "package.json").read_text())
        return [sys.executable], plain | {"NODE_PATH": str(folder / "node_modules")}, str(package["version"])
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        _quiet([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", name], cache)
    shown = f"from importlib.metadata import version; print(version({name!r}))"
    version = subprocess.run([str(python), "-c", shown], check=True, capture_output=True, text=True).stdout.strip()
    return [str(python)], plain, version


def _quiet(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, check=False, cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv[:3])} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def account_and_secret(name: str, signature: str) -> tuple[Account, str]:
    """An account, and what its client signs with: a secret, or the PEM of a private key made here."""
    account = Account.named(name, BALANCES)
    if signature == "HMAC":
        return account, account.secret
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    made = rsa.generate_private_key(65537, 2048) if signature == "RSA" else ed25519.Ed25519PrivateKey.generate()
    public = made.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    private = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return replace(account, public_key=public.decode()), private.decode()


def play(name: str, signature: str, cache: Path) -> Outcome:
    """Run the script with one client at a fresh simulator and judge what it reports."""
    interpreter, environment, version = prepare(name, cache)
    account, secret = account_and_secret(name, signature)
    with Simulator(seed=11, symbols=["BTCJPY"], time="real", accounts=[account]) as sim:
        argv = [*interpreter, str(HERE / CLIENTS[name]), sim.url, account.key, secret, name]
        done = subprocess.run(
            argv, check=False, env=environment, capture_output=True, text=True, timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        steps = {row["step"]: row["result"] for row in map(json.loads, done.stdout.splitlines())}
        wrong = [] if done.returncode == 0 else [f"ended with {done.returncode}: {done.stderr[-1500:]}"]
        wrong += [*judge(steps), *compare(steps, sim)]
        sim.check()
    return Outcome(name, signature, version, steps, tuple(wrong))


def words(result: Any) -> Any:
    """A step's result in the words of the table."""
    if isinstance(result, Mapping) and "refused" in result:
        return result["refused"]
    if isinstance(result, Mapping) and "client_id" in result:
        return f"{result.get('status', 'NEW')} {result.get('executed', '0')}"
    return result


def judge(steps: Mapping[str, Any]) -> list[str]:
    """Where a client saw something else than all should."""
    return [
        f"{step}: {words(steps.get(step))!r} in place of {wanted!r}{_text(steps.get(step))}"
        for step, wanted in EXPECTED.items()
        if words(steps.get(step)) != wanted
    ]


def _text(result: Any) -> str:
    return f" ({result['text']})" if isinstance(result, Mapping) and "text" in result else ""


def compare(steps: Mapping[str, Any], sim: Simulator) -> list[str]:
    """Where a client's report differs from the simulator's own record."""
    orders = {row["clientOrderId"].rpartition("-")[2]: row for row in sim.orders()}
    wrong = [line for step, what in RECORDED.items() for line in _same_order(step, steps.get(step), orders.get(what))]
    resting = sorted(str(orders[what]["orderId"]) for what in ("limit", "maker") if what in orders)
    trades = [
        {"fee": plain(row["commission"]), "fee_asset": row["commissionAsset"], "order_id": str(row["orderId"]),
         "price": plain(row["price"]), "quantity": plain(row["qty"])}
        for row in sim.trades()
    ]  # fmt: skip
    held = {a: [plain(free), plain(locked)] for a, (free, locked) in sorted(sim.balances().items()) if free or locked}
    for step, own_view in (("open orders", resting), ("trades", trades), ("balances at the end", held)):
        if steps.get(step) != own_view:
            wrong.append(f"{step}: {steps.get(step)!r}, while the record has {own_view!r}")
    if len(orders) != 3:
        wrong.append(f"the record has the orders {sorted(orders)}, three were to be accepted")
    return wrong


def _same_order(step: str, seen: Any, own: Mapping[str, Any] | None) -> list[str]:
    """Whether a step speaks of the order that the record has, by both ids."""
    ids = (seen.get("id"), seen.get("client_id")) if isinstance(seen, Mapping) else None
    if own is not None and ids == (str(own["orderId"]), own["clientOrderId"]):
        return []
    return [f"{step}: {seen!r}, while the record has {own!r}"]


def show(outcome: Outcome, seconds: float, *, verbose: bool) -> None:
    """One line for a run, and one for each thing that is wrong."""
    verdict = "agrees" if not outcome.wrong else f"{len(outcome.wrong)} wrong"
    lines = [f"{outcome.name:<18} {outcome.version:<9} {outcome.signature:<8} {len(outcome.steps)} steps  {verdict}"]
    lines[0] += f"  {seconds:.1f} s"
    lines += [f"    {line}" for line in outcome.wrong]
    if verbose:
        lines += [f"    {step}: {json.dumps(result)}" for step, result in outcome.steps.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the clients named, all by default; 1 where one of them saw something wrong."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="python3 dev.py clients", description="third-party clients at the simulator")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CLIENTS)}; default: all")
    folder = cache_home / "autotrader-clients"
    parser.add_argument("--keep", type=Path, default=folder, help="folder of their environments")
    parser.add_argument("--verbose", action="store_true", help="print every step's outcome")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in CLIENTS]
    if unknown:
        parser.error(f"there is no client {unknown[0]!r}; there are {', '.join(CLIENTS)}")
    outcomes = []
    for name in given.names or CLIENTS:
        for signature in SIGNATURES[:1] if name in HMAC_ONLY else SIGNATURES:
            begun = time.monotonic()
            outcome = play(name, signature, given.keep)
            outcomes.append(outcome)
            show(outcome, time.monotonic() - begun, verbose=given.verbose)
    good = sum(not outcome.wrong for outcome in outcomes)
    sys.stdout.write(f"clients: {good} passed, {len(outcomes) - good} failed\n")
    return 0 if good == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
