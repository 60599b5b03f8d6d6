"""Bank accounts that people connect through Plaid."""
