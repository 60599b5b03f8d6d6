-- Who is in which room. Who has not been heard of for five minutes is in none.

CREATE TABLE room_members (
  room_id text NOT NULL CHECK (length(room_id) BETWEEN 1 AND 100),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  joined_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_members_user ON room_members (user_id);
CREATE INDEX room_members_seen ON room_members (seen_at);
