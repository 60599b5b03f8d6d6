"""What is said in channels: messages, threads, reactions, pins, mentions, and what of it is new."""
