"""Passkeys: credentials that a person's device keeps, and the ceremonies that make and show them."""
