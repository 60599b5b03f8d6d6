-- Who helps the host of an event at its door.

CREATE TABLE stewards (
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (post_id, user_id)
);
CREATE INDEX stewards_user ON stewards (user_id);
