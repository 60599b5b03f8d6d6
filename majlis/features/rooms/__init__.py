"""Who is in which room now, as long as they say so."""
