DROP TABLE notification_settings;
DROP INDEX notifications_informed;
DROP INDEX notifications_group;
ALTER TABLE notifications DROP COLUMN group_key, DROP COLUMN listed, DROP COLUMN subject_id;
