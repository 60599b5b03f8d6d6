"""Uploaded pictures: whose they are, what refers to them, and when they may go."""
