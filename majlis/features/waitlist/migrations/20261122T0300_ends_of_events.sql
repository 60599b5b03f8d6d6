-- How long people wait is told by the event as it is now, also when it was moved.
ALTER TABLE waitlist_entries DROP COLUMN event_ends;
