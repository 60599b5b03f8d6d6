-- Who follows which thread, and up to where they have read it. No row: not followed.

CREATE TABLE thread_follows (
  root_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  following boolean NOT NULL, -- false: does not come back by itself
  last_read_seq bigint NOT NULL,
  PRIMARY KEY (root_id, user_id)
);
CREATE INDEX thread_follows_user ON thread_follows (user_id) WHERE following;
