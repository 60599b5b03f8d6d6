-- Who follows and who blocks whom.

CREATE TABLE user_follows (
  follower_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  following_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower_id, following_id),
  CONSTRAINT no_self_follow CHECK (follower_id <> following_id)
);
CREATE INDEX user_follows_following ON user_follows (following_id, created_at DESC, follower_id DESC);
CREATE INDEX user_follows_follower ON user_follows (follower_id, created_at DESC, following_id DESC);

CREATE TABLE user_blocks (
  blocker_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  blocked_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (blocker_id, blocked_id),
  CONSTRAINT no_self_block CHECK (blocker_id <> blocked_id)
);
CREATE INDEX user_blocks_recent ON user_blocks (blocker_id, created_at DESC, blocked_id DESC);
CREATE INDEX user_blocks_blocked ON user_blocks (blocked_id);

-- Both people's rows change in the order of their ids, whoever follows whom, so that follows do not deadlock.
CREATE FUNCTION user_follows_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  pair user_follows;
  step int;
BEGIN
  IF TG_OP = 'INSERT' THEN pair := NEW; step := 1; ELSE pair := OLD; step := -1; END IF;
  IF pair.following_id < pair.follower_id THEN
    PERFORM profile_count(pair.following_id, step, 0, 0);
    PERFORM profile_count(pair.follower_id, 0, step, 0);
  ELSE
    PERFORM profile_count(pair.follower_id, 0, step, 0);
    PERFORM profile_count(pair.following_id, step, 0, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER user_follows_count AFTER INSERT OR DELETE ON user_follows
  FOR EACH ROW EXECUTE FUNCTION user_follows_count();
