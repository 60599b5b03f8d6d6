"""Direct messages one by one: whether each was delivered, and read."""
