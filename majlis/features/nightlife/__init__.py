"""Nights out: what people are there, where events are, and which stand first."""
