-- What was said in a time.
SET LOCAL statement_timeout = '1h';
CREATE INDEX messages_created ON messages (created_at);
