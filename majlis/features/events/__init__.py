"""Events that neighbours invite to: lists, who comes, reminders, a file for calendars."""
