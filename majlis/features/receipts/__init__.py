"""Who got a message, and who read it."""
