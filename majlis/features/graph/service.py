"""Verbs between people: follow, block, look at one another."""

from majlis.features.graph import store

# SQL for the stores of features above: see graph/store.py.
BLOCKED = store.BLOCKED
follows = store.follows
