"""Posts that are not published yet, and those that the server publishes at their time."""
