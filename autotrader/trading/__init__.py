"""The one road of an order: observe, decide, record what the gate admits, carry out, record.

`cycle` turns it, `gate` admits, `gateway` sends, `observer` and `resolve` find out what became of it, `reconcile` runs
at start. Live, dry-run and demo run this same code; what is plugged in differs, and the composition root alone chooses
it.
"""
