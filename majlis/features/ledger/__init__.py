"""The books: what is owed to whom, by double entry, only ever added to."""
