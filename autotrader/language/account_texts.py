"""The texts of the account file to values: amounts, percentages, durations, zones, the exchange's address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from autotrader.language.compile.bench import within
from autotrader.language.expression import Origin, Scope, parse_duration_ms, parse_literal
from autotrader.language.nodes import Document, Path, Scalar, dotted
from autotrader.language.problems import Problem
from autotrader.language.symbols import OFFLINE
from autotrader.language.tree import Kind
from autotrader.language.written import Checked
from autotrader.money import plain
from autotrader.times import TOKYO, read_zone

# The shape only: the client knows the venue's hosts one by one and refuses all others.
_LOOPBACK = re.compile(r"http://(127(?:\.[0-9]{1,3}){3}|localhost|\[::1\])(:[0-9]{1,5})?/?")
_VENUE = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.binance\.(com|vision)/?")
_ASSET = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values out of a checked account file; what is wrong becomes a problem, and a harmless value is returned."""

    document: Document
    checked: Checked[Any]
    problems: list[Problem]

    def report(self, code: str, path: Path, message: str, hint: str = "") -> None:
        """Add a problem, unless the path was reported before."""
        if not self.checked.silences(path):
            self.problems.append(
                Problem(code=code, place=self.document.place(path), message=message, hint=hint, path=dotted(path))
            )

    def _origin(self, path: Path) -> Origin:
        node = self.document.node(path)
        if isinstance(node, Scalar):
            return Origin(self.document.file, node.text_line, node.text_column, dotted(path))
        return Origin(self.document.file, 1, 1, dotted(path))

    def _keep(self, path: Path, found: tuple[Problem, ...]) -> bool:
        if not self.checked.silences(path):
            self.problems.extend(within(self.document, found))
        return not any(each.severity == "error" for each in found)

    def duration(self, path: Path, text: str | None, least_ms: int, most_ms: int) -> int | None:
        """Milliseconds within bounds."""
        if text is None:
            return None
        value, found = parse_duration_ms(text, self._origin(path))
        if not self._keep(path, found) or value is None:
            return None
        if not least_ms <= value <= most_ms:
            self.report("AT504", path, f"`{text}` is out of range", f"write {least_ms}ms to {most_ms // 1000}s")
            return None
        return value

    def percent(self, path: Path, text: str | None, most: Decimal) -> Decimal | None:
        """Percent points, above 0."""
        if text is None:
            return None
        value, found = parse_literal(text, self._origin(path), frozenset({Kind.PERCENT}), _SCOPE)
        if not self._keep(path, found) or value is None:
            return None
        if not 0 < value.value <= most:
            self.report("AT504", path, f"`{text}` is out of range", f"write more than 0% and at most {plain(most)}%")
            return None
        return value.value

    def amount(self, path: Path, text: str | None) -> dict[str, Decimal]:
        """One amount as {asset: value}."""
        if text is None:
            return {}
        value, found = parse_literal(text, self._origin(path), frozenset({Kind.AMOUNT}), _SCOPE)
        if not self._keep(path, found) or value is None:
            return {}
        if value.value < 0:
            self.report("AT504", path, f"`{text}` is below 0")
            return {}
        return {value.unit.asset: value.value}

    def amounts(self, path: Path, texts: Mapping[str, str]) -> dict[str, Decimal]:
        """Amounts by asset: `{JPY: 5_000 JPY}`; the key must be the amount's own asset."""
        result: dict[str, Decimal] = {}
        for asset, text in texts.items():
            here = (*path, asset)
            if not _ASSET.fullmatch(asset):
                self.report("AT504", here, f"`{asset}` is not an asset", "assets are written like `JPY` and `BTC`")
                continue
            found = self.amount(here, text)
            if found and asset not in found:
                other = next(iter(found))
                self.report(
                    "AT504",
                    here,
                    f"`{text}` stands under `{asset}`",
                    f"write an amount of {asset}, or the key `{other}`",
                )
            if asset in found:
                result[asset] = found[asset]
        return result

    def positive(self, path: Path, number: int | None) -> int | None:
        """A count of at least one."""
        if number is not None and number < 1:
            self.report(
                "AT504", path, f"`{number}` is below 1", "write at least 1; to stop trading use `autotrader halt`"
            )
            return None
        return number

    def zone(self, path: Path, text: str) -> str:
        """An IANA zone name; JST and UTC are understood."""
        try:
            return read_zone(text)
        except ValueError:
            self.report(
                "AT505", path, f"`{text}` is not a time zone", "write JST, UTC or an IANA name such as Asia/Tokyo"
            )
            return TOKYO

    def base_url(self, path: Path, text: str | None) -> str:
        """The exchange's address: this machine, or the venue."""
        if text is None:
            return ""
        if _LOOPBACK.fullmatch(text) or _VENUE.fullmatch(text):
            return text.rstrip("/")
        self.report(
            "AT507",
            path,
            f"`{text[:80]}` is not an address of the exchange",
            "write http://127.0.0.1:PORT, or one of the venue's hosts such as https://api.binance.com",
        )
        return ""


_SCOPE = Scope(symbol="", instruments=OFFLINE)
