"""Tickets that people hold, and handing them on."""
