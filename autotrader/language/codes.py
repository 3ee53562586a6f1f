# ruff: noqa: E501 - a catalogue: one entry a line reads best
"""The catalogue of problem codes: what each means, why it is refused, and a wrong and a right line.

`autotrader rule AT201` prints an entry. A test sees to it that every code that is used has one. All texts for people
stand here by code, so that other languages can follow.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """One entry: a title, the explanation, and examples ("" where they would say nothing)."""

    title: str
    why: str
    wrong: str = ""
    right: str = ""


CODES: dict[str, Code] = {
    # ------------------------------------------------------------------------------------------ files and YAML
    "AT001": Code("a file cannot be read", "Only regular files are read, in folders only *.yaml and *.yml. Links inside a folder, pipes and devices are refused, and in live also files that others could have changed."),
    "AT002": Code("a file is too large", "A rule file has at most 256 KiB, 20,000 nodes and 32 levels, so that no file can exhaust memory or time."),
    "AT003": Code("not UTF-8", "Rule files are UTF-8 text. A byte-order mark at the start is fine."),
    "AT004": Code("a character that cannot be seen", "Control, zero-width and direction-changing characters are refused everywhere, in comments too: they can make a file read differently from what it does.", "symbol: BTC<U+200B>JPY", "symbol: BTCJPY"),
    "AT005": Code("a letter that only looks right", "Outside texts for people (about, help, text, notify, comments) only ASCII is read: full-width and Cyrillic letters look like others.", "symbol: ＢTCJPY", "symbol: BTCJPY"),
    "AT006": Code("not valid YAML", "The line cannot be read as YAML. The cause is often in the line above: a quote that is not closed, or wrong indentation."),
    "AT007": Code("YAML that acts behind your back", "Tags, anchors, aliases, merge keys, directives and second documents are refused: what a rule does must stand where it is read.", "when: *condition", "when: signal(condition)"),
    "AT008": Code("a key written twice", "YAML would silently keep the last one.", "cooldown: 1h\ncooldown: 12h", "cooldown: 12h"),
    "AT009": Code("one value over two lines", "YAML joins an indented line to the one above. A dash was probably forgotten.", "- last < 5_000_000\n  spread < 1%", "- last < 5_000_000\n- spread < 1%"),
    "AT010": Code("a comma splits an expression", "Inside [ ] and { } a comma separates items, also inside parentheses.", "when: [rsi(14, 1h) < 30]", "when: rsi(14, 1h) < 30"),
    "AT011": Code("commas do not group digits", "A comma separates things; digits are grouped by `_`, in groups of three.", "spend: 10,000 JPY", "spend: 10_000 JPY"),
    "AT012": Code("a text ends at ` #`", "Behind a blank, # begins a comment, and the rest of the text would be lost.", "notify: price #1 fell", 'notify: "price #1 fell"'),
    "AT013": Code("not a rule file", "The file is empty, or is not a mapping of keys.", "- rules", "version: 1\nrules: {}"),
    "AT014": Code("a key that is no text", "Keys are plain texts."),
    "AT015": Code("a text needs quotes", "YAML gives `{`, `[`, `@`, `%`, `>`, `|` at the start and `: ` inside a text a meaning of its own.", "notify: {symbol} fell: {last}", 'notify: "{symbol} fell: {last}"'),
    # ------------------------------------------------------------------------------------------ expressions
    "AT101": Code("a character without meaning", "Expressions are ASCII and know only the operators of the reference.", "last ≤ 5_000_000", "last <= 5_000_000"),
    "AT102": Code("something is missing or does not belong", "One line is exactly one condition: a value, a comparison, a value.", "last < ", "last < 5_000_000"),
    "AT103": Code("not a plain number", "Numbers are ASCII digits with one point; `_` groups three digits. No exponents, no leading point.", "last < 5e6", "last < 5_000_000"),
    "AT104": Code("an expression is too large", "At most 2,000 characters and 40 levels of parentheses."),
    "AT105": Code("an empty condition", "A condition is a value and a comparison."),
    "AT106": Code("a value alone is no condition", "Say what the value is compared with.", "when: spread", "when: spread < 0.2%"),
    "AT107": Code("a count out of range", "Counts of candles and checks are whole numbers from 1 to 1000."),
    "AT110": Code("`and`, `or`, `not` inside a line", "Logic lives in the structure, so that precedence cannot be misread.", "last < 5 and spread < 1%", "all:\n  - last < 5\n  - spread < 1%"),
    "AT111": Code("not a comparison", "Prices are never equal; there is `near X within d` and `between a and b`.", "last == 5_000_000", "last near 5_000_000 within 0.1%"),
    "AT112": Code("two comparisons in one line", "One line is one condition.", "1 < last < 5", "last between 1 and 5"),
    "AT113": Code("an unknown word", "The word is not in the vocabulary, or is written without (or with) arguments that it needs (or does not take).", "spreed < 1%", "spread < 1%"),
    "AT114": Code("the wrong number of arguments", "Each word takes the arguments of its entry, in that order.", "rsi(1h)", "rsi(14, 1h)"),
    "AT115": Code("an argument out of range", "Each argument has a kind and a range, which its entry in the reference states."),
    "AT116": Code("not a timeframe", "Candles exist for the venue's timeframes only: 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M.", "rsi(14, 10m)", "rsi(14, 15m)"),
    "AT117": Code("another kind of value is needed here", "An amount, a price, a percentage, a duration and a number are different things.", "spend: 5%", "spend: 5% of free(JPY)"),
    "AT118": Code("it can never be true", "The value cannot lie there, or both sides are the same.", "rsi(14, 1h) > 120", "rsi(14, 1h) > 70"),
    "AT119": Code("a distance below zero", "Distances have no direction."),
    "AT120": Code("a unit is missing", "Percentages, amounts and durations always carry their unit.", "change_24h <= -5", "change_24h <= -5%"),
    "AT121": Code("units do not fit", "Only what measures the same thing is compared or added.", "last < 5%", "change_24h < 5%"),
    "AT122": Code("division by zero", "The divisor is the number 0."),
    "AT123": Code("not a duration", "Durations are written 90s, 5m, 1h30m, 2d; large units first.", "for 5 minutes", "for 5m"),
    "AT124": Code("an unknown symbol in an expression", "A prefix is a symbol of the exchange.", "BTC/JPY.last", "BTCJPY.last"),
    "AT125": Code("an unknown asset", "Assets are written in capitals, like JPY and BTC.", "free(jpy)", "free(JPY)"),
    "AT126": Code("an unknown parameter", "`$name` must stand below `params:` of the same file."),
    "AT127": Code("only candle values have candles ago", "`n candles ago` shifts values of closed candles.", "last 1 candle ago", "close(1h) 1 candle ago"),
    "AT128": Code("there is no order at hand", "`order.*` words belong into `for_each_order`, or into a `notify` behind a `buy` or `sell`."),
    "AT129": Code("a prefix that does not fit", "Balances and health are the whole account's, not one symbol's."),
    "AT130": Code("not a time window", "A window is written 09:00-18:00 JST mon-fri; several are separated by commas."),
    "AT131": Code("a placeholder that cannot be filled", "`{word}` shows a value; a brace itself is written `{{` or `}}`."),
    # ------------------------------------------------------------------------------------------ rules
    "AT201": Code("an unknown key", "What is not known is never ignored: a misspelt `cooldown` would be no cooldown.", "cooldwn: 12h", "cooldown: 12h"),
    "AT202": Code("a key is missing", "The rule cannot mean anything without it."),
    "AT203": Code("the wrong shape", "A text, a list (items begin with `- `) or a mapping (`key: value`) belongs here."),
    "AT204": Code("a value that is not allowed", "Booleans are `true` and `false`; the other words are listed in the message.", "enabled: yes", "enabled: true"),
    "AT205": Code("keys that exclude each other", "Keep one of them."),
    "AT206": Code("an empty list", "An empty `all` would always be true, an empty `any` never.", "all: []", "all:\n  - last < 5_000_000"),
    "AT207": Code("two combinators in one mapping", "One of all, any, not, at_least per mapping; put one inside the other.", "all: [a < 1]\nany: [b < 1]", "all:\n  - a < 1\n  - any:\n      - b < 1"),
    "AT208": Code("a name used twice", "Rules and signals are known by name in records and state, over all files."),
    "AT209": Code("not a symbol of the exchange", "Symbols are written in capitals without separator.", "symbol: btc/jpy", "symbol: BTCJPY"),
    "AT210": Code("a name that does not exist", "The signal, rule or label is defined nowhere, or refers to itself."),
    "AT211": Code("a value outside its bounds", "A parameter's default lies within `min` and `max`; amounts and prices are above 0."),
    "AT212": Code("a time that cannot be read", "Rhythms, spans and times of a rule have their own forms.", "at: 9:00", "at: daily 09:00 JST"),
    "AT213": Code("`fire` on unknown data", "A rule that trades never acts on what is not known."),
    "AT214": Code("the exchange would always refuse it", "The amount or price lies outside the symbol's filters.", "spend: 80 JPY", "spend: 1_000 JPY"),
    "AT215": Code("`cancel` without an order", "`cancel` cancels the order at hand in `for_each_order`; `cancel_orders` cancels many."),
    "AT216": Code("the amount", "An order has exactly one of `spend` (quote) and `size` (base)."),
    "AT218": Code("order keys that contradict each other", "A post-only order never trades at once; `price: market`, ioc and fok only do."),
    "AT219": Code("an unknown version", "This release reads `version: 1`."),
    "AT221": Code("an unknown channel", "A notification goes to a channel of the account file: default, stdout, log, or one of its names."),
    "AT222": Code("a symbol that the account file does not list", "The account file's `symbols` are what may be traded."),
    # ------------------------------------------------------------------------------------------ warnings
    "AT301": Code("always true", "The condition excludes nothing."),
    "AT302": Code("never true", "The conditions contradict each other, or compare a candle with a range that holds it.", "close(4h) > highest(20, 4h)", "close(4h) > highest(20, 4h) 1 candle ago"),
    "AT303": Code("a buy without brake", "A value that swings around its threshold fires at every swing.", "", "cooldown: 12h"),
    "AT304": Code("a rule that fires once", "Without a condition it is never armed again."),
    "AT305": Code("an unused parameter", "It changes nothing."),
    "AT306": Code("an unused signal", "It changes nothing."),
    "AT307": Code("more than a day's limit", "The account file's `spend_per_day` is less than this one order."),
    "AT310": Code("a symbol that is not in the table", "Offline, symbols are known from a dated table; before anything runs the exchange itself is asked."),
    "AT311": Code("an asset that is not in the table", "Offline, assets are known from a dated table; before anything runs the exchange itself is asked."),
    # ------------------------------------------------------------------------------------------ not yet supported
    "AT401": Code("not yet supported: a form of expression", "`rising` and `falling` are refused, never ignored."),
    "AT402": Code("not yet supported: `my.`", "This rule's own record."),
    "AT403": Code("not yet supported: a word", "The word belongs to the language, this version does not know it yet."),
    "AT404": Code("not yet supported: rule(id) and guard(id)", "References to other rules' records and to guards."),
    "AT405": Code("not yet supported: `forming`", "Only closed candles are read."),
    "AT406": Code("not yet supported: `entry`", "It belongs to brackets."),
    "AT421": Code("not yet supported: guards", "Write the condition into the rules, as a signal."),
    "AT422": Code("not yet supported: grids", ""),
    "AT423": Code("not yet supported: brackets", "Write exits as rules of their own."),
    "AT424": Code("not yet supported: trailing stops", ""),
    "AT425": Code("not yet supported: ladders", ""),
    "AT426": Code("not yet supported: reprice", "Use `cancel_after`, or `cancel` and a rule that trades anew."),
    "AT427": Code("not yet supported: if_unfilled", "Use `cancel_after`."),
    "AT428": Code("not yet supported: risk, target", "Use `spend` or `size`."),
    "AT429": Code("not yet supported: blueprints", "Copy the rule."),
    "AT430": Code("not yet supported: budget", "Use `max_runs` and the account file's limits."),
    "AT431": Code("not yet supported: if_weekend", ""),
    "AT432": Code("not yet supported: post_only: shift", "Use `post_only: true`."),
    "AT433": Code("not yet supported: longer lists of actions", "Cancels first, then at most one buy or sell; notifications anywhere."),
    "AT434": Code("not yet supported: candle_timezone", "Candles are the venue's, in UTC."),
    "AT435": Code("not yet supported: rule tests", ""),
    # ------------------------------------------------------------------------------------------ the account file
    "AT501": Code("an unknown key in the account file", "What is not known is never ignored."),
    "AT502": Code("a key is missing in the account file", ""),
    "AT503": Code("the wrong shape in the account file", "A text, a list or a mapping belongs here."),
    "AT504": Code("a value that is not allowed in the account file", ""),
    "AT505": Code("not a time zone, or keys that exclude each other", "Write JST, UTC or an IANA name.", "timezone: Tokyo", "timezone: Asia/Tokyo"),
    "AT506": Code("live needs every limit", "`mode: live` without all limits is refused: what is not limited is not safe."),
    "AT507": Code("not an address of the exchange", "Keys are sent to the venue's own hosts only, and to a simulator on this machine."),
    "AT508": Code("a secret in the file", "Keys and addresses with tokens come from the environment or from files of mode 0600."),
    "AT509": Code("a wrong symbol in the account file", "Symbols are written like BTCJPY, each once."),
    "AT510": Code("the environment would loosen a limit", "AUTOTRADER__SECTION__KEY may tighten mode and limits, never loosen them."),
    "AT519": Code("an unknown version of the account file", "This release reads `version: 1`."),
}  # fmt: skip
