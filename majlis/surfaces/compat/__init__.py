"""Doors of other contracts to the same rooms: their paths, tokens, shapes and words; no rules and no state."""
