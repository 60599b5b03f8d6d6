-- Why moderators took a comment away. It counts as deleted meanwhile; without a state it was deleted for good.
ALTER TABLE post_comments
  ADD COLUMN hidden_as text CHECK (hidden_as IN ('HELD_NEW', 'HELD', 'HIDDEN')),
  ADD COLUMN hidden_reason text CHECK (length(hidden_reason) <= 1000),
  ADD CONSTRAINT hidden_comment_is_deleted CHECK (hidden_as IS NULL OR deleted_at IS NOT NULL);
