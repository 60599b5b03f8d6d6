"""What operators see of the whole: how many come, write and pay, and what waits for moderators."""
