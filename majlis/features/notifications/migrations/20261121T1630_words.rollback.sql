DELETE FROM notifications WHERE type IN ('FOLLOW_REQUEST', 'FOLLOW_ACCEPTED');
UPDATE notifications n SET message =
  coalesce(nullif(concat_ws(' ', a.first_name, a.last_name), ''), 'Somebody') || ' ' || n.message
FROM profiles a WHERE a.id = n.actor_id;

ALTER TABLE notifications DROP CONSTRAINT notifications_type_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_check CHECK (type IN (
  'POST_LIKE', 'POST_COMMENT', 'COMMENT_REPLY', 'COMMENT_LIKE', 'POST_SHARE', 'POLL_VOTE', 'USER_FOLLOW',
  'BUSINESS_FOLLOW', 'EVENT_INTEREST', 'EVENT_REMINDER', 'SALE_ENQUIRY', 'SALE_SOLD', 'MESSAGE', 'SYSTEM'));
