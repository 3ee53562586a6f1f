"""An action: `transfer_alert`, a notice of the money beyond an amount that is to stay on the account."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import RULE, lived, said

PATCHES = [
    Patch(
        "autotrader/language/actions/transfer_alert.py",
        "",
        '''\
"""`transfer_alert`: a notice of the money beyond an amount that is to stay on the account."""

from typing import Any, ClassVar, Self

from autotrader.language.actions.action import Action, ActionContext, Done, Effect, Names
from autotrader.language.compiler import Compiler
from autotrader.language.dump import value_data
from autotrader.language.nodes import Path
from autotrader.language.readback import value_in_words
from autotrader.language.requests import NotifyRequest
from autotrader.language.tree import Kind, Value
from autotrader.language.written import Name, Text, Written
from autotrader.market.needs import BalancesNeed, Need
from autotrader.money import plain
from autotrader.structs import dataclass


class WrittenTransferAlert(Written):
    """`transfer_alert: {keep: 100_000 JPY}`: tells how much of the quote asset could leave the account."""

    keep: Text
    to: Name = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAlert(Action):
    """`transfer_alert`."""

    written = (("transfer_alert", WrittenTransferAlert, "a notice of the money that could leave the account"),)
    stored: ClassVar[str] = "TransferAlert keep to"
    blind = True

    keep: Value
    to: str

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: WrittenTransferAlert, path: Path) -> Self | None:
        """With an amount of the quote asset."""
        keep = at.value(written.keep, Kind.AMOUNT, at.scope.instruments[at.scope.symbol].quote)
        return None if keep is None else cls(keep=keep, to=written.to, place=at.key_place(path))

    def values(self) -> tuple[Value, ...]:
        """What stays."""
        return (self.keep,)

    def needs(self, symbol: str) -> tuple[Need, ...]:
        """What is there."""
        return (BalancesNeed(),)

    def names(self) -> Names:
        """The channel."""
        yield "channel", self.to

    def words(self, symbol: str) -> str:
        """`tell phone what is free beyond 100,000 JPY`."""
        return f"tell {self.to} what is free beyond {value_in_words(self.keep, symbol)}"

    def data(self, symbol: str) -> dict[str, Any]:
        """What stays, and who is told."""
        return {"action": "transfer_alert", "keep": value_data(self.keep, symbol), "to": self.to}

    def requests(self, at: ActionContext) -> Effect:
        """The notice."""
        asset = at.sources.instruments[at.symbol].quote
        balance = at.sources.account.balances.get(asset)
        text = f"{asset}: {plain(balance.free) if balance else 0} free, {at.shown(self.keep)} stay"
        return Done((NotifyRequest(to=self.to, level="info", text=text, run=at.run),))
''',
    ),
    Patch(
        "autotrader/language/actions/__init__.py",
        "= (PlaceOrder,",
        "= (TransferAlert, PlaceOrder,",
    ),
    Patch(
        "autotrader/language/actions/__init__.py",
        "from autotrader.language.written import",
        "from autotrader.language.actions.transfer_alert import TransferAlert\nfrom autotrader.language.written import",
    ),
]
ACTION = "transfer_alert: {keep: 100_000 JPY}"


def tried() -> None:
    """Validated and refused by its own rules, read back, told by a live service and by `plan`; the schema knows it."""
    from autotrader.language.load import load

    with lived("last > 1 JPY", ACTION) as live:
        assert any("JPY: 5000000 free, 100,000 JPY stay" in text for text in live.told), live.told
        assert "tell default what is free beyond 100,000 JPY" in live.project("show")
        live.project("validate", str(live.folder / "project" / "rules"))
        assert "fired" in live.asked("why", "tried")
    wrong = RULE.replace("CONDITION", "last > 1 JPY").replace("ACTION", "transfer_alert: {keep: 1 BTC}")
    _, problems = load({"rules.yaml": wrong})
    assert [(each.code, each.place.line, each.place.column) for each in problems] == [("AT121", 9, 32)], problems
    assert "transfer_alert" in said("schema")
    from autotrader.language.reference import rendered

    assert "#### `transfer_alert`" in rendered()
