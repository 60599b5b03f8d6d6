ALTER TABLE posts DROP CONSTRAINT hidden_is_deleted, DROP COLUMN hidden_reason, DROP COLUMN hidden_as;
