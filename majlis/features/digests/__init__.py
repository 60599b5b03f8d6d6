"""Mails of what people have not read, for those who want them."""
