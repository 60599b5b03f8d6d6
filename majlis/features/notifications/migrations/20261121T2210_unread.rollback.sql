CREATE INDEX notifications_unread ON notifications (user_id) WHERE NOT read;
DROP INDEX notifications_waiting;
