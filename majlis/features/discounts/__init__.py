"""Codes that make tickets cheaper, as often and by as much as their budgets allow."""
