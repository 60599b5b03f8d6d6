"""Paid posts: what of them everybody reads, what is for those who paid, and how one pays."""
