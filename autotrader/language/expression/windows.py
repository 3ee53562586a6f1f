"""Time windows: `09:00-18:00 JST mon-fri, 22:00-02:00`. The start is included, the end is not."""

from __future__ import annotations

from collections.abc import Sequence

from autotrader.language.expression.syntax import Fault, Token
from autotrader.language.tree import Window
from autotrader.times import EVERY_DAY, day_number, day_range, read_zone

EXAMPLE = "a window is written `09:00-18:00 JST mon-fri`"


class Windows:
    """Reads a list of windows from tokens that end with one of kind "end"."""

    def __init__(self, tokens: Sequence[Token], zone: str) -> None:
        self.tokens = tokens
        self.index = 0
        self.zone = zone

    @property
    def now(self) -> Token:
        """The token at hand."""
        return self.tokens[self.index]

    def take(self) -> Token:
        """The token at hand, and go on."""
        token = self.now
        if token.kind != "end":
            self.index += 1
        return token

    def all(self) -> tuple[Window, ...]:
        """Every window, separated by commas."""
        found = [self.window()]
        while self.now.text == ",":
            self.take()
            found.append(self.window())
        if self.now.kind != "end":
            raise self.fault(f"expected `,` and a further window, a zone, days or the end, found `{self.now.text}`")
        return tuple(found)

    def fault(self, message: str, token: Token | None = None, hint: str = EXAMPLE) -> Fault:
        """A fault at a token."""
        token = token or self.now
        at_end = token.kind == "end"
        return Fault("AT130", max(0, token.start - 1) if at_end else token.start, len(token.text), message, hint)

    def window(self) -> Window:
        """`HH:MM-HH:MM [zone] [days]`."""
        start = self.minute()
        if self.now.text != "-":
            raise self.fault("expected `-` between the two times of a window")
        self.take()
        end = self.minute(is_end=True)
        zone = self.named_zone()
        return Window(start, end % 1440, self.days(), zone)

    def minute(self, *, is_end: bool = False) -> int:
        """Minute of the day."""
        token = self.now
        if token.kind != "time":
            shown = "the end" if token.kind == "end" else f"`{token.text}`"
            raise self.fault(f"expected a time such as `09:00`, found {shown}")
        self.take()
        hour, _, minute = token.text.partition(":")
        value = int(hour) * 60 + int(minute)
        if int(minute) > 59 or value > (1440 if is_end else 1439):
            raise self.fault(
                f"`{token.text}` is no time of day", token, "times run from 00:00 to 23:59 (24:00 as an end)"
            )
        return value

    def named_zone(self) -> str:
        """A zone's name if one stands here, else the account's."""
        token = self.now
        if token.kind != "word" or day_number(token.text) is not None:
            return self.zone
        self.take()
        name, end = token.text, token.end
        while (
            self.now.text in ("/", "-", "+")
            and self.now.start == end
            and self.tokens[self.index + 1].start == self.now.end
        ):
            sign, part = self.take(), self.take()
            name, end = name + sign.text + part.text, part.end
        try:
            return read_zone(name)
        except ValueError:
            whole = Token("word", name, token.start, end)
            hint = "write JST, UTC or an IANA name such as Europe/Berlin; days are mon … sun"
            raise self.fault(f"`{name}` is neither a time zone nor a day", whole, hint) from None

    def days(self) -> frozenset[int]:
        """`mon-fri`, `sat`, `mon,thu`; nothing means every day."""
        found: set[int] = set()
        while self.now.kind == "word":
            found |= self.day_range()
            if self.now.text != "," or self.tokens[self.index + 1].kind != "word":
                break
            self.take()
        return frozenset(found) or EVERY_DAY

    def day_range(self) -> frozenset[int]:
        """One day or a range of days, which may pass Sunday."""
        first = self.day()
        if self.now.text != "-":
            return day_range(first, first)
        self.take()
        return day_range(first, self.day())

    def day(self) -> int:
        """One day's number, 0 = Monday."""
        token = self.now
        number = day_number(token.text)
        if number is None:
            raise self.fault(f"`{token.text}` is no day", hint="days are mon tue wed thu fri sat sun")
        self.take()
        return number
