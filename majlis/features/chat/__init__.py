"""Direct chat: conversations of two people, as the Hamsaya contract has them."""
