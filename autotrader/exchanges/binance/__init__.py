"""Binance spot over REST, as Binance Japan's customers use it: `connect` makes a `Connection` with the ports.

bytes: signing, keys, hosts · limits: governor, bans, weights · values: fields, wire, wire_account, errors · calls:
client, endpoints · ports: market_data (with instruments, candles), broker · together: connection.
"""
