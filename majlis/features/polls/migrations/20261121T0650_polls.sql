-- Polls hang on a post by its id; the post's own feature stands above and says who may see it.

CREATE TABLE polls (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE UNIQUE INDEX polls_post ON polls (post_id) WHERE deleted_at IS NULL;

CREATE TABLE poll_options (
  id uuid PRIMARY KEY,
  poll_id uuid NOT NULL REFERENCES polls ON DELETE CASCADE,
  option text NOT NULL CHECK (length(option) BETWEEN 1 AND 200),
  position int NOT NULL,
  vote_count int NOT NULL DEFAULT 0 CHECK (vote_count >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (poll_id, id)
);
CREATE UNIQUE INDEX poll_options_position ON poll_options (poll_id, position);

CREATE TABLE user_polls (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  poll_id uuid NOT NULL REFERENCES polls ON DELETE CASCADE,
  poll_option_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, poll_id),
  FOREIGN KEY (poll_id, poll_option_id) REFERENCES poll_options (poll_id, id) ON DELETE CASCADE
);
CREATE INDEX user_polls_option ON user_polls (poll_option_id);
CREATE INDEX user_polls_poll ON user_polls (poll_id);

CREATE FUNCTION user_polls_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE poll_options SET vote_count = greatest(0, vote_count - 1) WHERE id = OLD.poll_option_id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE poll_options SET vote_count = vote_count + 1 WHERE id = NEW.poll_option_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER user_polls_count AFTER INSERT OR DELETE OR UPDATE OF poll_option_id ON user_polls
  FOR EACH ROW EXECUTE FUNCTION user_polls_count();
