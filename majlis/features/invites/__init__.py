"""Invitations into workspaces, by link and by mail."""
