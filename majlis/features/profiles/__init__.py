"""People as others see them: names, pictures, places, counters."""
