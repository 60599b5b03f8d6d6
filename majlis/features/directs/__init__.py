"""Conversations of two people or a few of a workspace."""
