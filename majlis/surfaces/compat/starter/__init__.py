"""The door of the starter contract: articles, messages, tasks, documents and rooms."""
