"""Binance spot over REST, as Binance Japan's customers use it: `connect` makes a `Connection` with the ports.

bytes: signing, strict_json, transport, hosts, secret · limits: governor, weights, clock · values: fields, wire,
wire_account, errors · calls: client, endpoints · ports: market_data (with instruments, candles), broker ·
together: connection.
"""
