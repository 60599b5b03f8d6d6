"""Goods that neighbours sell: lists, sold or still to be had, and the categories that operators keep."""
