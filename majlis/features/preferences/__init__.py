"""Preferences: over which channels people are told, and of what."""
