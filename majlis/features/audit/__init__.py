"""What moderators, operators and the server decided about people and things: entries that are only ever added."""
