-- Who handed a post on to their followers.

CREATE TABLE post_reposts (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, post_id)
);
CREATE INDEX post_reposts_post ON post_reposts (post_id, created_at DESC, user_id);
CREATE INDEX post_reposts_user ON post_reposts (user_id, created_at DESC, post_id DESC);
CREATE INDEX post_reposts_recent ON post_reposts (created_at DESC, post_id DESC);

CREATE FUNCTION post_reposts_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM post_repost_count(NEW.post_id, 1);
  ELSE
    PERFORM post_repost_count(OLD.post_id, -1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_reposts_count AFTER INSERT OR DELETE ON post_reposts
  FOR EACH ROW EXECUTE FUNCTION post_reposts_count();
