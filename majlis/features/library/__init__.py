"""Pictures and videos that people keep to show: with words for who cannot see them, until they delete them."""
