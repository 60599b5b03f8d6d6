"""What events sell: kinds of tickets, and the places that there are. Nothing is sold twice here."""
