"""Who belongs to a workspace: founding one, leaving it, roles, and the list of everybody."""
