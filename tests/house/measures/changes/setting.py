"""A setting with its limit: `largest_order`, the most that one order may be worth."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import lived, said
from tests.house.measures.roads import LIMITS

PATCHES = [
    Patch(
        "autotrader/language/settings.py",
        """\
    open_orders: Annotated[
""",
        """\
    largest_order: Annotated[
        Mapping[str, Decimal],
        Key(kind=Amounts(single=True), environment=True, about="the most that one order may be worth: `10_000 JPY`"),
    ] = field(default_factory=dict)
    open_orders: Annotated[
""",
    ),
    Patch(
        "autotrader/engine/limits.py",
        """\
class OpenOrders:
""",
        """\
class LargestOrder:
    \"\"\"No order worth more than `largest_order`.\"\"\"

    def refuse(self, view: View) -> str:
        \"\"\"An order beyond the limit of its quote asset.\"\"\"
        worth, asset = view.request.order.notional, view.request.quote
        most = view.limits.largest_order.get(asset)
        if most is None or worth <= most:
            return ""
        return f"largest_order: worth {grouped_amount(worth, asset)}, the limit is {grouped_amount(most, asset)}"


class OpenOrders:
""",
    ),
    Patch("autotrader/engine/limits.py", "LossPerDay(), OpenOrders(),", "LossPerDay(), LargestOrder(), OpenOrders(),"),
]


def tried() -> None:
    """An order within it is placed, one beyond it is denied with its name; schema, `config show` and `why` know it."""
    with lived("last > 1 JPY", limits=LIMITS + "  largest_order: 50_000 JPY\n") as wide:
        assert wide.orders
        assert "largest_order" in wide.project("config", "show")
        wide.project("validate", str(wide.folder / "project" / "rules"))
    with lived("last > 1 JPY", limits=LIMITS + "  largest_order: 10_000 JPY\n") as narrow:
        assert not narrow.orders
        assert "largest_order: worth" in narrow.asked("why", "tried")
    assert "the most that one order may be worth" in said("schema", "--account")
