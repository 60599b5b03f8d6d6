"""Payments of people to people and to the platform, and the ledger that records them."""
