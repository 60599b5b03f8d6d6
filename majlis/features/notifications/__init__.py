"""What people are told about: likes, comments, replies, shares, followers."""
