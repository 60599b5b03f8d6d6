"""Majlis: one self-hosted social backend behind several doors."""

__version__ = "0.1.0"
