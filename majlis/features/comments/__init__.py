"""Comments under posts, replies to them, and likes of both."""
