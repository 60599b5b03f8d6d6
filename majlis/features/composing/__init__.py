"""Messages that are not sent yet: drafts on all devices of their writer, and those that wait for their time."""
