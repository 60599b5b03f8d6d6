"""Documents that several people edit together."""
