"""What people say of themselves: whether to disturb them, and a line of status."""
