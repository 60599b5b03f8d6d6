"""Where people are reached when they do not look: devices, and what is sent to them."""
