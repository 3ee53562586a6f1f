"""Benchmarks: each figure beside a bound or a peer that ran in turn with it. `python3 dev.py bench` runs them."""
