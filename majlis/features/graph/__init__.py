"""Who follows and blocks whom, and people as their viewers see them."""
