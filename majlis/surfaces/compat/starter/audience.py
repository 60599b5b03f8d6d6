"""Tokens of the starter door."""

from datetime import timedelta

from majlis.features.sessions.model import Audience

AUDIENCE = Audience("starter", timedelta(minutes=15), timedelta(days=7))
