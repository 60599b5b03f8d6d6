-- Pictures of doors for nights out, whose thumbnails are smaller.
ALTER TABLE uploads DROP CONSTRAINT uploads_kind_check, ADD CONSTRAINT uploads_kind_check
  CHECK (kind IN ('avatar', 'cover', 'post', 'comment', 'business', 'generic', 'video', 'event'));
