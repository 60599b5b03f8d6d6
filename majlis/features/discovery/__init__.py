"""The map: what there is around, as lists and as markers."""
