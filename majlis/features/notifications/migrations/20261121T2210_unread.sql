-- Unread notifications are counted from the index alone, by who did it.
CREATE INDEX notifications_waiting ON notifications (user_id, actor_id) WHERE NOT read AND listed;
DROP INDEX notifications_unread;
