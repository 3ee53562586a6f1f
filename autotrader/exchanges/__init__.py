"""Adapters to the outside: exchanges reached over the network, and the paper broker. Each proves its port."""
