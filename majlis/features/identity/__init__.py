"""Accounts and their credentials: e-mail, password, confirmation, roles, deletion."""
