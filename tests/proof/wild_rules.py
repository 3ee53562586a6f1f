"""Random rule files, valid by construction as far as a draw can be: every word of the vocabulary, every shape.

The text goes through the real loader, so what is drawn means what a user's file would mean. What the loader refuses
(a condition that can never be true, a unit that does not fit) is left out, rule by rule. Literals are drawn around
what `wild_sources` draws, so that conditions hold about as often as not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from autotrader.language.load import load
from autotrader.language.plan import Plan
from autotrader.language.settings import Settings
from autotrader.language.vocabulary import VOCABULARY
from autotrader.language.vocabulary.word import Param, Word
from autotrader.market.instrument import Instrument
from autotrader.money import plain

TIMEFRAMES = ("1m", "1h")
_LITERALS: Mapping[str, Sequence[str]] = {
    "price": ("99_000", "99_900", "100_000", "100_100", "101_000", "500", "0.5"),
    "percent": ("-3%", "-1%", "-0.1%", "0.05%", "0.1%", "0.5%", "2%"),
    "number": ("-50", "-0.2", "0", "0.2", "1", "25", "50", "75"),
    "base": ("0.01 BTC", "0.5 BTC", "1 BTC", "50 BTC"),
    "quote": ("1_000 JPY", "90_000 JPY", "300_000 JPY", "1_000_000 JPY", "20_000_000 JPY"),
    "duration": ("2s", "12s", "1m", "20m"),
    "count": ("0", "1", "2", "3"),
}
_UNIT_OF = {"series": "price", "asset": "quote"}
_CONSTANT = frozenset({"order.side", "order.tag", "order.id", "exchange is normal", "obv"})
READS_AGES = ("age(", "errors(", "clock_skew", "weight_used")


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Sequence[Word]]:
    """The words that can be compared, by what they measure."""
    found: dict[str, list[Word]] = {}
    for word in VOCABULARY.values():
        if not word.hidden and word.name not in _CONSTANT and word.measure not in {"text", "flag"}:
            found.setdefault(_UNIT_OF.get(word.measure, word.measure), []).append(word)
    return found


class Draw:
    """Draws rules with one source of chance. `in_order`: words of the order at hand may be used."""

    def __init__(self, chance: random.Random, signals: Sequence[str] = ()) -> None:
        self.chance = chance
        self.signals = signals
        self.in_order = False

    def one(self, of: Sequence[str]) -> str:
        """One of some texts."""
        return of[self.chance.randrange(len(of))]

    def maybe(self, text: str, share: float) -> str:
        """The text in a share of all draws."""
        return text if self.chance.random() < share else ""

    # ------------------------------------------------------------------------------------------------------ values
    def word(self, measure: str, depth: int = 1) -> str:
        """A word with its arguments."""
        words = [word for word in _words()[measure] if self.in_order or not word.name.startswith("order.")]
        word = words[self.chance.randrange(len(words))]
        args = [self._argument(param, measure) for param in word.params]
        if word.order_of is not None:
            low, high = word.order_of
            args[low], args[high] = "2", "4"
        if word.is_candle:
            nested = word.takes_series and depth and self.chance.random() < 0.2
            args.append(self._series() if nested and measure == "price" else self.one(TIMEFRAMES))
        text = word.name + (f"({', '.join(args)})" if args else "")
        other = word.per == "symbol" and measure in {"percent", "number", "price"} and self.chance.random() < 0.1
        shift = self.maybe(" 2 candles ago", 0.1)
        return ("ETHJPY." if other else "") + text + (shift if word.is_candle else "")

    def _series(self) -> str:
        return f"{self.one(('close', 'high', 'open'))}({self.one(TIMEFRAMES)})"

    def _argument(self, param: Param, measure: str) -> str:
        match param.kind:
            case "integer":
                return str(max(int(param.low), self.chance.randint(2, 5)))
            case "number":
                return plain(max(param.low, Decimal("0.02")))
            case "percent":
                return self.one(("0.1%", "0.5%", "2%"))
            case "distance":
                return self.one(("0.05%", "0.5%", "3 levels", "50 levels"))
            case "asset":
                return "BTC" if measure == "base" else "JPY"
            case "choice":
                return self.one(param.choices)
            case "duration":
                return self.one(("1m", "15m", "1h"))
            case "window":
                return self.one(("day", "week", "month", "12h"))
            case "amount":
                return self.one(("5_000 JPY", "500_000 JPY"))

    def value(self, measure: str, depth: int = 2) -> str:
        """A word, a literal, or arithmetic over them."""
        roll = self.chance.random()
        if depth == 0 or roll < 0.35:
            return self.word(measure)
        if roll < 0.7:
            return self.one(_LITERALS[measure])
        left, right = self.value(measure, depth - 1), self.value(measure, depth - 1)
        forms = ["min({0}, {1})", "max({0}, {1})", "({0} + {1}) / 2", "{0} * 1.01", "{0} - ({1}) / 100"]
        if measure == "price":
            forms += ["({0}) - 0.3%", "({0}) + 0.1%", "{0} - 2 ticks"]
        return self.one(forms).format(left, right)

    # -------------------------------------------------------------------------------------------------- conditions
    def line(self) -> str:
        """One condition."""
        roll = self.chance.random()
        if roll < 0.06:
            return "exchange is normal"
        if roll < 0.1:
            return f"time in {self.one(('00:00-12:00 UTC', '08:00-23:00 JST', '22:00-10:00 Europe/Berlin'))}"
        if roll < 0.16 and self.signals:
            return f"signal({self.one(self.signals)})"
        measure = self.one(
            ("price",) * 4 + ("percent",) * 3 + ("number", "base", "quote", "quote", "duration", "count")
        )
        left, right = self.word(measure), self.value(measure)
        forms = ["{0} < {1}", "{0} > {1}", "{0} <= {1}", "{0} >= {1}"] * 2
        forms += ["{0} between {1} and {2}", "{0} crosses above {1}", "{0} crosses below {1}", "{0} crosses {1}"]
        if measure == "price":
            forms += ["{0} near {1} within 0.4%", "{0} crosses {1} by 0.05%", "{0} near {1} within {2}"]
        if self.chance.random() < 0.15:
            return self._of_candles()
        text = self.one(forms).format(left, right, self.value(measure, 1))
        return text + self.one(("", "", "", " for 30s", " for 90s", " within last 3 checks", " 2 of last 3 checks"))

    def _of_candles(self) -> str:
        """A condition over one timeframe, with a shape over its candles."""
        frame = self.one(TIMEFRAMES)
        forms = (
            "close({0}) > open({0})", "close({0}) < sma(3, {0})", "rsi(2, {0}) > 50", "volume({0}) > 1 BTC",
            "ema(2, {0}) crosses above sma(4, {0})", "obv({0}) > obv({0}) 1 candle ago", "low({0}) < 99_900",
        )  # fmt: skip
        shapes = ("", " within last 2 candles", " 2 of last 3 candles", " for 90s")
        return self.one(forms).format(frame) + self.one(shapes)

    def condition(self, depth: int = 2) -> str:
        """A condition tree in flow style."""
        if depth == 0 or self.chance.random() < 0.35:
            return '"' + self.line() + '"'
        if self.chance.random() < 0.3:
            return f"{{not: {self.condition(depth - 1)}}}"
        parts = [self.condition(depth - 1) for _ in range(self.chance.randint(1, 3))]
        if self.chance.random() < 0.25:
            return f"{{at_least: {{n: {self.chance.randint(1, len(parts))}, of: [{', '.join(parts)}]}}}}"
        return f"{{{self.one(('all', 'any'))}: [{', '.join(parts)}]}}"

    # ----------------------------------------------------------------------------------------------------- actions
    def order(self) -> str:
        """A buy or a sale."""
        if self.chance.random() < 0.55:
            amount = self.one((
                "spend: 5_000 JPY", "spend: 60_000 JPY", "spend: 20% of free(JPY)", "spend: 2% * turnover_24h",
                "spend: 9_000 JPY, max_spend: 1% of depth_ask(3 levels)", "size: 0.02 BTC",
            ))  # fmt: skip
            price = self.one(("bid", "ask", "bid - 0.2%", "market", "min(bid, sma(3, 1h))", "last", "ask - 1 tick"))
            kind = "buy"
        else:
            amount = self.one(
                ("size: 0.02 BTC", "size: 50% of holding(BTC)", "size: 0.1 BTC, max_size: 10% of free(BTC)")
            )
            price = self.one(("ask", "bid", "ask + 0.2%", "market", "max(ask, close(1h))", "last + 0.1%"))
            kind = "sell"
        more = self.maybe(", cancel_after: 10m", 0.3) + self.maybe(f", tag: {self.one(('x', 'y'))}", 0.3)
        return f'{{{kind}: {{{amount}, price: "{price}"{more}}}}}'

    def actions(self) -> str:
        """A list of actions: what cancels first, at most one order, and what tells or stops."""
        first = self.one((
            "{cancel_orders: {side: buy, further_than: 0.1%}}", "{cancel_orders: {owner: anyone, older_than: 1m}}",
            "{pause: {labels: [some], for: 6h}}", "{resume: {labels: [some]}}", "{resume: {rules: [named]}}",
            '{notify: "{symbol} {last}"}',
        ))  # fmt: skip
        if self.in_order and self.chance.random() < 0.5:
            first = "cancel"
        last = self.one(('{notify: "{symbol} {spread}"}', "halt"))
        chosen = [first] * (self.chance.random() < 0.3), [self.order()] * (self.chance.random() < 0.85)
        listed = [*chosen[0], *chosen[1], *([last] * (self.chance.random() < 0.2))]
        return f"[{', '.join(listed or [last])}]"

    # ------------------------------------------------------------------------------------------------------- rules
    def rule(self, name: str) -> str:
        """One rule."""
        self.in_order = self.chance.random() < 0.2
        lines = [f"  {name}:", "    symbol: BTCJPY", "    " + self._trigger()]
        if self.in_order:
            owner = self.one(("this_rule", "autotrader", "anyone"))
            lines.append(f"    for_each_order: {{owner: {owner}{self.maybe(', side: buy', 0.4)}}}")
        choose = self.chance.random() < 0.25
        if not choose or self.chance.random() < 0.6:
            lines.append(f"    when: {self.condition(self.chance.randint(0, 2))}")
        lines += self._lifecycle()
        if choose:
            lines += ["    choose:"]
            for _ in range(self.chance.randint(1, 2)):
                lines.append(f"      - {{if: {self.condition(1)}, then: {self.actions()}}}")
            if self.chance.random() < 0.5:
                lines.append(f"      - {{else: {self.actions()}}}")
        elif self.chance.random() < 0.06:
            lines += ["    on_unknown: fire", '    then: [{notify: "blind"}, {cancel_orders: {side: buy}}]']
        else:
            lines.append(f"    then: {self.actions()}")
        return "\n".join(lines)

    def _trigger(self) -> str:
        return self.one(
            ("every: 30s", "every: 30s", "every: 1m", "on_close: 1h", "on_close: 1m", "at: daily 09:00 JST")
        )

    def _lifecycle(self) -> list[str]:
        chance = self.chance
        lines = [f"    rearm_when: {self.condition(1)}"] if chance.random() < 0.35 else []
        if chance.random() < 0.2:
            lines.append("    repeat: every 1m while true")
        for share, text in (
            (0.2, "cooldown: 2m"), (0.2, "max_runs: 2 per day"), (0.2, "retry_for: 5m"), (0.1, "priority: 3"),
            (0.2, "labels: [some]"), (0.1, "between: 00:00-18:00 UTC"),
        ):  # fmt: skip
            if chance.random() < share:
                lines.append(f"    {text}")
        return lines


def drawn_plan(
    chance: random.Random, settings: Settings, instruments: Mapping[str, Instrument], rules: int = 4
) -> Plan:
    """A plan of some rules drawn at random. What the loader refuses is drawn again."""

    def load_of(signals: str, written: Sequence[str]) -> Plan | None:
        return load({"wild.yaml": _file(signals, written)}, settings, instruments)[0]

    signals = f"  calm: {Draw(chance).condition(1)}\n"
    while load_of(signals, ()) is None:
        signals = f"  calm: {Draw(chance).condition(1)}\n"
    kept: list[str] = []
    while len(kept) < rules:
        candidate = Draw(chance, ("calm",)).rule(f"r{len(kept)}")
        if load_of(signals, [candidate]) is not None:
            kept.append(candidate)
    plan = load_of(signals, kept)
    if plan is None:
        raise RuntimeError("rules that are valid alone are not valid together")
    return plan


_NAMED = """  named:
    symbol: BTCJPY
    labels: [some]
    when: last > 0.5
    then: [{notify: "x"}]
"""


def _file(signals: str, rules: Sequence[str]) -> str:
    """A file with a rule that carries the label and the name that `pause` and `resume` speak of."""
    return f"version: 1\nsignals:\n{signals}rules:\n{_NAMED}" + "\n".join(rules) + "\n"
