"""Signing in by another company's account."""
