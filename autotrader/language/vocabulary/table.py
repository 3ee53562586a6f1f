"""All entries in one table, from which every word is looked up."""

from __future__ import annotations

from collections.abc import Mapping

from autotrader.language.vocabulary import balances, book, candle, health, order, record, ticker, window
from autotrader.language.vocabulary.word import Word

GROUPS = (ticker.WORDS, book.WORDS, window.WORDS, candle.WORDS, balances.WORDS, record.WORDS, order.WORDS, health.WORDS)
VOCABULARY: Mapping[str, Word] = {word.name: word for group in GROUPS for word in group}
