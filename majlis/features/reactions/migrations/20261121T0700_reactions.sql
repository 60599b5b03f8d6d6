-- Likes, bookmarks and shares of posts.

CREATE TABLE post_likes (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, post_id)
);
CREATE INDEX post_likes_post ON post_likes (post_id);

CREATE TABLE post_bookmarks (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, post_id)
);
CREATE INDEX post_bookmarks_post ON post_bookmarks (post_id);
CREATE INDEX post_bookmarks_recent ON post_bookmarks (user_id, created_at DESC, post_id DESC);

CREATE TABLE post_shares (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  original_post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  shared_post_id uuid REFERENCES posts ON DELETE CASCADE,
  share_text text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX post_shares_original ON post_shares (original_post_id);
CREATE INDEX post_shares_user ON post_shares (user_id);
CREATE INDEX post_shares_shared ON post_shares (shared_post_id);

CREATE FUNCTION post_likes_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM post_count(NEW.post_id, 1, 0, 0);
  ELSE
    PERFORM post_count(OLD.post_id, -1, 0, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_likes_count AFTER INSERT OR DELETE ON post_likes
  FOR EACH ROW EXECUTE FUNCTION post_likes_count();
