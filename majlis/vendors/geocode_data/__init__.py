"""What the offline geocoder knows, and how its file is made."""
