"""Who is connected by a socket, and the tickets that browsers open one with."""
