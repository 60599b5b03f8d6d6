"""Channels: the rooms of a workspace, who is in them, and what is new there."""
