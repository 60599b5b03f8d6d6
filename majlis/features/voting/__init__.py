"""Voting in the polls of posts that one may see."""
