"""What authors earn, day by day, by whom and with what."""
