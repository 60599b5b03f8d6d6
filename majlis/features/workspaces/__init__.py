"""Workspaces: teams of people with roles, and what they may do there."""
