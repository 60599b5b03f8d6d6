-- What was said in a time.
SET LOCAL statement_timeout = '1h';
CREATE INDEX post_comments_created ON post_comments (created_at);
