"""Thanks: words that one person leaves for another."""

# Its tier: above these, of which it may import service, model and facts, and whose tables it may join.
ABOVE = ("graph", "identity", "notifications")
