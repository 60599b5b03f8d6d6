"""Likes, bookmarks and shares of posts."""
