"""Pictures drawn for the demo town: the same seed draws the same bytes."""
