"""The only way to the venue: intents leave once, replies are booked, unclear fates are asked about, never repeated.

`gateway` sends, `resolve` looks up what is unclear, `observe` moves orders forward and books trades, `reconcile` is
start-up, `journal` holds the times that decide.
"""
