"""Tasks: work in the background that people ask for, and what came of it."""
