"""Businesses as people meet them: one, their own, lists, pictures, followers."""
