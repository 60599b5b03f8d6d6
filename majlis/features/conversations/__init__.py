"""Conversations, who is in them, and the gapless logs by which every device follows them."""
