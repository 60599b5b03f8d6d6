"""People thank one another: a feature, and a door of its own."""
