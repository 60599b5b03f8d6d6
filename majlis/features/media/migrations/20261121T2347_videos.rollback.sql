-- Their files stay; nothing refers to them any more.
DELETE FROM uploads WHERE kind = 'video';
ALTER TABLE uploads DROP CONSTRAINT uploads_kind_check, ADD CONSTRAINT uploads_kind_check
  CHECK (kind IN ('avatar', 'cover', 'post', 'comment', 'business', 'generic'));
