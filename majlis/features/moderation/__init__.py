"""Reports about people and what they publish."""
