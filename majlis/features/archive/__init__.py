"""Searching what was said in a workspace."""
