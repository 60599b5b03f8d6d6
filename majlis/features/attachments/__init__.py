"""Files of conversations: their bytes and rows, whatever conversation that is and whoever may see them."""
