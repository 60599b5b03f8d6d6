"""Letting people in: signed codes, scanners with and without a network, who came."""
