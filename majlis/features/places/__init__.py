"""Where things are, in words."""
