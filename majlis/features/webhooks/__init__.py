"""Incoming webhooks: addresses to which other programs post what is then said in a channel."""
