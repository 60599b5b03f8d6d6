-- Networks tell of people by ids that may count for our app alone, and ask for an answer that lasts.

ALTER TABLE connections ADD COLUMN app_subject text CHECK (length(app_subject) BETWEEN 1 AND 255);
CREATE INDEX connections_app_subject ON connections (platform, app_subject) WHERE app_subject IS NOT NULL;

-- That data was deleted because a network asked for it; whose, it does not tell.
CREATE TABLE connection_deletions (
  code text PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 64),
  platform text NOT NULL CHECK (length(platform) <= 20),
  deleted_at timestamptz NOT NULL
);
CREATE INDEX connection_deletions_age ON connection_deletions (deleted_at);
