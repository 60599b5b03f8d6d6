"""Polls and their options."""
