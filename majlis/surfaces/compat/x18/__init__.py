"""The door of the x18 contract: short posts with metadata, follows and timelines."""
