"""How much history a candle word needs, from its numeric arguments.

A window needs its length. An exponentially smoothed word remembers how it was seeded, and is known once that seed
weighs at most SEED_WEIGHT: `cascade` plays the smoothing forward until it does. A path that never settles (sar,
supertrend) is computed from a fixed window.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from autotrader.market.candles import PATH_WINDOW

SEED_WEIGHT = 1e-10
Args = tuple[Decimal, ...]


@lru_cache(maxsize=512)
def cascade(*factors: float) -> int:
    """Steps until the seeds of a chain of exponential smoothings weigh at most SEED_WEIGHT.

    Each factor is the weight of a new value; the first stage's seed feeds the second, and so on.
    """
    weights = [1.0] * len(factors)
    steps = 0
    while max(weights) > SEED_WEIGHT:
        carried = 0.0
        for index, factor in enumerate(factors):
            carried = weights[index] = (1 - factor) * weights[index] + factor * carried
        steps += 1
    return steps


def ema_factor(period: Decimal) -> float:
    """Weight of the newest value in an EMA."""
    return 2.0 / (float(period) + 1.0)


def ema(args: Args) -> int:
    """One exponential average."""
    return int(args[0]) + cascade(ema_factor(args[0]))


def wilder(args: Args) -> int:
    """One Wilder average of changes."""
    return int(args[0]) + 1 + cascade(1.0 / float(args[0]))


def directional(args: Args) -> int:
    """Wilder averages of movements, and of the index made from them."""
    return 2 * int(args[0]) + 1 + cascade(1.0 / float(args[0]), 1.0 / float(args[0]))


def macd(args: Args) -> int:
    """The slower of two averages."""
    return int(args[1]) + cascade(ema_factor(args[1]))


def macd_signal(args: Args) -> int:
    """The average of a difference of averages."""
    return int(args[1] + args[2]) + cascade(ema_factor(args[1]), ema_factor(args[2]))


def own_period(args: Args) -> int:
    """A window of its own length."""
    return int(args[0])


def one_more(args: Args) -> int:
    """A window of changes."""
    return int(args[0]) + 1


def one(_args: Args) -> int:
    """The candle itself."""
    return 1


def two(_args: Args) -> int:
    """The candle and the one before."""
    return 2


def slow(args: Args) -> int:
    """The longer of two averages."""
    return int(args[1])


def slow_and_signal(args: Args) -> int:
    """The longer average and the signal over it."""
    return int(args[1] + args[2]) - 1


def stoch_k(args: Args) -> int:
    """A window and its smoothing."""
    return int(args[0] + args[1]) - 1


def stoch_d(args: Args) -> int:
    """A window and two smoothings."""
    return int(args[0] + args[1] + args[2]) - 2


def path(_args: Args) -> int:
    """The fixed window of a path that never settles."""
    return PATH_WINDOW


def trend(args: Args) -> int:
    """The same behind an average range that has forgotten its own seed."""
    return PATH_WINDOW + wilder(args)
