"""Messages in conversations: said, changed, taken back, reacted to, found again."""
