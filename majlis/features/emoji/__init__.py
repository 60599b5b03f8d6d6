"""Emoji of a workspace's own."""
