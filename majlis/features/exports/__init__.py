"""Copies of a person's data, and the erasure of deleted accounts."""
