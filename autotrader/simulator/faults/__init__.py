"""Faults that a venue can make: `injector` spoils requests by a `plan` of kinds from the `catalogue`."""
