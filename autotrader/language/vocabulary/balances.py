"""Words of the whole account's balances: orders and trades by hand are in them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import ACCOUNT_MS, stale
from autotrader.language.vocabulary.word import Param, Word
from autotrader.market.answers import Answer, Missing
from autotrader.market.needs import BalancesNeed, Need
from autotrader.money import ZERO
from autotrader.orders import Balance

if TYPE_CHECKING:
    from autotrader.market.sources import Sources

_ASSET = (Param("asset", "asset"),)


def _need(_term: Term) -> frozenset[Need]:
    return frozenset({BalancesNeed()})


def _read(pick: Callable[[Balance], Decimal]) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        account = sources.account
        if "balances" in account.missing:
            return Missing(f"balances: {account.missing['balances']}")
        if account.balances_asked_ms is None:
            return Missing("balances: not fetched")
        old = stale("balances", account.balances_asked_ms, ACCOUNT_MS, sources.now_ms)
        asset = str(term.args[0])
        return old or pick(account.balances.get(asset) or Balance(asset, ZERO, ZERO))

    return read


def _word(name: str, english: str, japanese: str, pick: Callable[[Balance], Decimal]) -> Word:
    return Word(
        name=name, group="balances", measure="asset", params=_ASSET, per="account", lowest=ZERO, needs=_need,
        english=english, japanese=japanese, read=_read(pick),
    )  # fmt: skip


WORDS: tuple[Word, ...] = (
    _word("free", "the free {0}", "{0}の利用可能残高", lambda balance: balance.free),
    _word("locked", "the {0} locked in open orders", "注文中の{0}", lambda balance: balance.locked),
    _word(
        "holding",
        "the {0} held (free and locked)",
        "{0}の保有量(利用可能と注文中の合計)",
        lambda balance: balance.holding,
    ),
)
