"""What the mutation tool changes, and which tests have to notice: one line per part that guards money."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Files of the package that are changed, and the tests of which those that reach a change are run for it."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


_EXECUTION = (
    "tests/trading/test_journal.py",
    "tests/trading/test_resolve.py",
    "tests/trading/test_gateway.py",
)
GROUPS = {
    "journal": Group(("trading/journal.py", "trading/resolve.py", "records/intents.py"), _EXECUTION),
    "gate": Group(
        ("trading/gate.py", "trading/gateway.py", "engine/limits.py", "engine/placing.py"),
        ("tests/trading/test_gateway.py", "tests/trading/test_cancelling.py", "tests/trading/test_gate.py",
         "tests/engine/test_limits.py"),
    ),
    "signer": Group(
        ("exchanges/binance/signing.py",),
        ("tests/exchanges/test_signing.py",),
    ),
    "loader": Group(
        ("language/load.py", "language/yaml_text.py"),
        ("tests/language/test_yaml.py", "tests/language/test_load.py"),
    ),
    "lifecycle": Group(
        ("engine/lifecycle.py", "records/forward.py"),
        ("tests/engine/test_lifecycle.py", "tests/engine/test_giving_back.py", "tests/engine/test_firing.py",
         "tests/records/test_forward.py"),
    ),
    "replies": Group(
        ("exchanges/binance/errors.py", "exchanges/binance/broker.py"),
        ("tests/exchanges/test_error_codes.py", "tests/exchanges/test_bad_orders.py"),
    ),
    "orders": Group(
        ("records/orders.py", "records/cancels.py"),
        (*_EXECUTION, "tests/trading/test_observe.py", "tests/records/test_store.py", "tests/records/test_own.py"),
    ),
}  # fmt: skip
