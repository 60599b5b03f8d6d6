DROP TABLE connection_deletions;
ALTER TABLE connections DROP COLUMN app_subject;
