"""Accounts at Stripe that people are paid out to, and payouts."""
