-- Who asks to follow a private account, and whose posts somebody does not want to meet.

CREATE TABLE follow_requests (
  follower_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  following_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower_id, following_id),
  CONSTRAINT no_self_request CHECK (follower_id <> following_id)
);
CREATE INDEX follow_requests_following ON follow_requests (following_id, created_at DESC, follower_id DESC);
CREATE INDEX follow_requests_follower ON follow_requests (follower_id, created_at DESC, following_id DESC);

CREATE TABLE user_mutes (
  muter_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  muted_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (muter_id, muted_id),
  CONSTRAINT no_self_mute CHECK (muter_id <> muted_id)
);
CREATE INDEX user_mutes_recent ON user_mutes (muter_id, created_at DESC, muted_id DESC);
CREATE INDEX user_mutes_muted ON user_mutes (muted_id);
