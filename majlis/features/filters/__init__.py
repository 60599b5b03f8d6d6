"""Words and links that nobody may publish, and words that somebody does not want to read."""
