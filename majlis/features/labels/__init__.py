"""What posts are labelled with: an open object of metadata, and hashtags."""
