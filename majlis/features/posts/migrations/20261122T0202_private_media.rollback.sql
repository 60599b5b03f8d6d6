SET LOCAL statement_timeout = '1h';
DROP FUNCTION posts_settle(uuid[]);
DROP FUNCTION post_open(varchar, boolean, text, boolean);
UPDATE posts SET attachments = media_turn(attachments::text, false)::json WHERE NOT media_fits(attachments::text, false);
