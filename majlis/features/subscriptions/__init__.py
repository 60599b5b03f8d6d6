"""Recurring payments: prices of authors, and who subscribes."""
