"""What posts said before their authors changed them."""
