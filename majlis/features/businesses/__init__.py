"""Businesses and their categories."""
