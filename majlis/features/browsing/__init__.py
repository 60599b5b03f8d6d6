"""Lists of posts by every filter and order."""
