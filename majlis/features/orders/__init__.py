"""Orders of tickets: kept for a quarter of an hour, paid, invoiced, given back."""
