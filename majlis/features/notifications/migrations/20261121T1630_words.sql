-- What follows the name of whoever did it: names are put before it when it is read, as the reader may see them.

ALTER TABLE notifications DROP CONSTRAINT notifications_type_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_check CHECK (type IN (
  'POST_LIKE', 'POST_COMMENT', 'COMMENT_REPLY', 'COMMENT_LIKE', 'POST_SHARE', 'POLL_VOTE', 'USER_FOLLOW',
  'FOLLOW_REQUEST', 'FOLLOW_ACCEPTED', 'BUSINESS_FOLLOW', 'EVENT_INTEREST', 'EVENT_REMINDER', 'SALE_ENQUIRY',
  'SALE_SOLD', 'MESSAGE', 'SYSTEM'));

UPDATE notifications SET message = CASE type
  WHEN 'POST_LIKE' THEN 'liked your post.'
  WHEN 'POST_COMMENT' THEN 'commented on your post.'
  WHEN 'COMMENT_REPLY' THEN 'replied to your comment.'
  WHEN 'COMMENT_LIKE' THEN 'liked your comment.'
  WHEN 'POST_SHARE' THEN 'shared your post.'
  WHEN 'USER_FOLLOW' THEN 'follows you.'
  ELSE message END
WHERE actor_id IS NOT NULL;
