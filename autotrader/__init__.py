"""Declarative, rule-based trading from YAML, for Binance Japan spot."""

__version__ = "0.1.0"
