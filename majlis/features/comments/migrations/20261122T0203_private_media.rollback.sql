SET LOCAL statement_timeout = '1h';
DROP TRIGGER post_comments_settled ON post_comments;
DROP FUNCTION post_comments_settled();
DROP FUNCTION comments_settle(uuid[]);
UPDATE post_comments SET attachments = media_turn(attachments::text, false)::json
WHERE NOT media_fits(attachments::text, false);
