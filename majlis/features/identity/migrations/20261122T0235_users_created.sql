-- Who came in a time.
SET LOCAL statement_timeout = '1h';
CREATE INDEX users_created ON users (created_at);
