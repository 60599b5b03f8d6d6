"""Handing a post on to one's followers."""
