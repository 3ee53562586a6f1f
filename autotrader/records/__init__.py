"""What happened, kept so that it can be trusted: one store per world, one writer, an append-only chain.

`store` opens it, `chain` holds the acts, `evaluations` what every cycle saw, `intents` / `orders` / `cancels` what was
asked of the venue and what it has, `values` the rest, `inbox` what other processes ask of the service.
"""
