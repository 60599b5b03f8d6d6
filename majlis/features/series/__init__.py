"""Events that take place again and again, each an event of its own."""
