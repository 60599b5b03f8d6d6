"""People who help hosts at the door of an event."""
