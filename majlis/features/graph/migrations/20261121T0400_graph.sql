-- Who follows and who blocks whom.

CREATE TABLE user_follows (
  follower_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  following_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower_id, following_id),
  CONSTRAINT no_self_follow CHECK (follower_id <> following_id)
);
CREATE INDEX user_follows_following ON user_follows (following_id, created_at DESC);
CREATE INDEX user_follows_follower ON user_follows (follower_id, created_at DESC);

CREATE TABLE user_blocks (
  blocker_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  blocked_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (blocker_id, blocked_id),
  CONSTRAINT no_self_block CHECK (blocker_id <> blocked_id)
);
CREATE INDEX user_blocks_blocked ON user_blocks (blocked_id);

CREATE FUNCTION user_follows_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM profile_count(NEW.following_id, 1, 0, 0), profile_count(NEW.follower_id, 0, 1, 0);
  ELSE
    PERFORM profile_count(OLD.following_id, -1, 0, 0), profile_count(OLD.follower_id, 0, -1, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER user_follows_count AFTER INSERT OR DELETE ON user_follows
  FOR EACH ROW EXECUTE FUNCTION user_follows_count();
