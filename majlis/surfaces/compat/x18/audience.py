"""Tokens of the x18 door."""

from datetime import timedelta

from majlis.features.sessions.model import Audience

AUDIENCE = Audience("x18", timedelta(minutes=15), timedelta(days=30), signed_refresh=True)
