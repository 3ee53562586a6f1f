"""Adapters to the outside: exchanges reached over the network, and the paper broker. Each proves its port.

What every exchange needs lies here: messages and transport (bytes over one line), strict_json, clock (the venue's
time), pool (side by side within a time), secret, live (the permission to trade), candle_store, paper. What only one
exchange has lies in its folder.
"""
