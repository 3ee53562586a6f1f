"""An exchange: a folder with its door, and its line. It speaks as the first one does and never shows ended orders."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import BUY, RULE, said
from tests.house.measures.roads import LIMITS

PATCHES = [
    Patch(
        "autotrader/exchanges/second/__init__.py",
        "",
        '''\
"""Another exchange, which speaks as the first one does and never shows orders that are over."""

from autotrader.exchanges.binance import WEIGHT_LIMIT, open, weight_per_minute
from autotrader.exchanges.venue import Capabilities

__all__ = ["CAPABILITIES", "WEIGHT_LIMIT", "open", "weight_per_minute"]
CAPABILITIES = Capabilities(own_order_id=True, query_by_own_id=True, entry_bound=True, ended_orders_visible=False)
''',
    ),
    Patch(
        "autotrader/market/exchanges.py",
        '("binance.com", "binance.vision")),\n',
        '("binance.com", "binance.vision")),\n'
        '    "second": ListedExchange("https://api.second.example", ("second.example",)),\n',
    ),
]
ACCOUNT = """\
version: 1
mode: MODE
exchange: {name: second, base_url: "URL"}
symbols: [BTCJPY]
paper: {JPY: 100_000 JPY}
include: [rules/*.yaml]
"""


def tried() -> None:
    """The account file and its schema know it; it is priced and traded on paper; live is refused for what it lacks."""
    import os

    from autotrader.prove.harness import scratch
    from autotrader.simulator import Account, Simulator

    assert '"second"' in said("schema", "--account")
    with scratch("second") as folder, Simulator(seed=1, accounts=[Account.named("main", {"JPY": "100000"})]) as venue:
        os.environ |= {"AUTOTRADER_LIVE": "1", "AUTOTRADER_API_KEY": venue.accounts[0].key}
        os.environ["AUTOTRADER_API_SECRET"] = venue.accounts[0].secret
        config, place = ["--config", str(folder / "autotrader.yaml")], ["--state", str(folder / "state")]

        def write(mode: str) -> None:
            text = ACCOUNT.replace("MODE", mode).replace("URL", venue.url) + LIMITS
            (folder / "autotrader.yaml").write_text(text, encoding="utf-8")

        write("dry_run")
        (folder / "rules").mkdir(mode=0o700)
        rule = RULE.replace("CONDITION", "last > 1 JPY").replace("ACTION", BUY)
        (folder / "rules" / "a.yaml").write_text(rule, encoding="utf-8")
        said("validate", *config)
        said("budget", *config)
        assert "to place" in said("plan", *config, *place)
        write("live")
        refused = said("run", "--live", "--once", *config, *place, code=4)
        assert "second is not traded live: it lacks ended orders visible" in refused
        assert venue.orders() == []
