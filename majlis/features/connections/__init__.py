"""Accounts at social networks that people connect."""
