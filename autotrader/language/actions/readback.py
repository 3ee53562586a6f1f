"""A compiled action in words: what will be done, from what the engine has, not from what was typed."""

from __future__ import annotations

from autotrader.language.facts import Fact
from autotrader.language.plan import (
    Action,
    CancelOrders,
    CancelThis,
    HaltTrading,
    MarketPrice,
    Notify,
    PauseRules,
    PlaceOrder,
)
from autotrader.language.readback import value_in_words, written
from autotrader.money import plain
from autotrader.orders import TimeInForce
from autotrader.times import span_text


def action_in_words(action: Action, symbol: str) -> str:
    """One sentence without its full stop: `buy BTCJPY for 10,000 JPY at the best bid minus 0.2%, post-only`."""
    match action:
        case PlaceOrder():
            return _order(action, symbol)
        case CancelThis():
            return "cancel the order"
        case CancelOrders():
            return _cancel_orders(action, symbol)
        case Notify(to=to, level=level):
            return f"notify {to} ({level}): {template(action, symbol)}"
        case PauseRules(resume=resume, rules=rules, labels=labels, span_ms=span_ms):
            names = ", ".join((*rules, *(f"label {label}" for label in labels)))
            until = f" for {span_text(span_ms)}" if span_ms else ("" if resume else " until resumed")
            return f"{'resume' if resume else 'pause'} {names}{until}"
        case HaltTrading():
            return "halt: no new order until a person resumes"


def template(action: Notify, symbol: str) -> str:
    """The text of a notice with its placeholders, as one would write it."""
    parts = []
    for part in action.parts:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.append("{" + (part.name if isinstance(part, Fact) else written(part, symbol)) + "}")
    return "".join(parts)


def _order(action: PlaceOrder, symbol: str) -> str:
    amount = action.spend if action.spend is not None else action.size
    assert amount is not None  # noqa: S101 - the contract: one of the two is set
    verb = f"for {value_in_words(amount, symbol)}" if action.spend is not None else value_in_words(amount, symbol)
    text = f"{action.side.value.lower()} {symbol} {verb}"
    for name, cap in (("at most", action.max_spend), ("at most", action.max_size)):
        text += f", {name} {value_in_words(cap, symbol)}" if cap is not None else ""
    if isinstance(action.price, MarketPrice):
        text += f", at once at the touch, at most {plain(action.price.max_slippage)}% through it"
    else:
        text += f" at {value_in_words(action.price, symbol)}"
        text += f", {action.tif.value}" if action.tif is not TimeInForce.GTC else ""
    text += ", post-only" if action.post_only else ""
    text += f", cancelled after {span_text(action.cancel_after_ms)}" if action.cancel_after_ms else ""
    return text + (f", tagged {action.tag}" if action.tag else "")


def _cancel_orders(action: CancelOrders, symbol: str) -> str:
    owner = {"this_rule": "this rule's", "autotrader": "autotrader's", "anyone": "anyone's"}[action.owner]
    side = f" {action.side.value.lower()}" if action.side is not None else ""
    text = f"cancel {owner} open{side} orders of {symbol}"
    text += f" tagged {action.tag}" if action.tag is not None else ""
    text += f" older than {span_text(action.older_than_ms)}" if action.older_than_ms is not None else ""
    further = action.further_than
    return text + (f" further than {value_in_words(further, symbol)} from the near side" if further is not None else "")
