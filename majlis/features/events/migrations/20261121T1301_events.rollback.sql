DROP TABLE event_reminders;
DROP TABLE event_interests;
DROP FUNCTION event_interests_count();
