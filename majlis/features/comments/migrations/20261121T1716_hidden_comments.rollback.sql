ALTER TABLE post_comments
  DROP CONSTRAINT hidden_comment_is_deleted, DROP COLUMN hidden_reason, DROP COLUMN hidden_as;
