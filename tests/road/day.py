"""The rules of the recorded day."""

# Last price, 24h change, spread from depth and an indicator; limit buy, sell, cancel stale orders, notify.
RULES = """
version: 1
rules:
  buy_the_dip:
    symbol: BTCJPY
    every: 1m
    when:
      all:
        - last > 100_000 JPY
        - change_24h <= -1.5%
        - spread <= 0.30%
        - depth_bid(5 levels) > 1_000 JPY
        - rsi(14, 15m) < 65
    rearm_when: change_24h > -0.5%
    cooldown: 30m
    then:
      - buy: {spend: 15_000_000 JPY, price: bid, post_only: true, cancel_after: 45m, tag: dip}
      - notify: "{symbol} {change_24h}: bid {order.price} for {order.size}"
  low_bids:
    symbol: BTCJPY
    every: 2h
    when: open_buys < 3
    repeat: every 2h while true
    then:
      - buy: {spend: 10_000 JPY, price: bid - 1%, tag: low}
  cancel_stale_buys:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader, tag: low}
    when:
      any:
        - order.age > 70m
        - order.distance > 2.5%
    then:
      - cancel
      - notify: "cancelled {order.id}: {order.age} old"
  take_profit:
    symbol: BTCJPY
    on_close: 15m
    when:
      all:
        - holding(BTC) > 0.01 BTC
        - close(15m) > sma(20, 15m)
    cooldown: 1h
    then:
      - sell: {size: 60% of holding(BTC), price: ask, cancel_after: 20m}
  take_at_market:
    symbol: BTCJPY
    every: 5m
    when:
      all:
        - holding(BTC) > 0.01 BTC
        - change_24h > 4%
    cooldown: 6h
    then:
      - sell: {size: 30% of holding(BTC), price: market}
"""
