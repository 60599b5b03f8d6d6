"""Posts of all four types: feed posts, events, listings and polls."""
