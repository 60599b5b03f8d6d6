-- Comments on posts, replies to them, and likes of both.

CREATE TABLE post_comments (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  -- The top of the thread, null for itself: all replies of a thread are listed under it. It stands before the
  -- parent, so that a deleted thread falls at once and not reply by reply.
  root_comment_id uuid REFERENCES post_comments ON DELETE CASCADE,
  parent_comment_id uuid REFERENCES post_comments ON DELETE CASCADE,
  text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
  location point,
  attachments json NOT NULL DEFAULT '[]', -- as on the wire, so that a list copies it without a look
  total_likes int NOT NULL DEFAULT 0 CHECK (total_likes >= 0),
  total_replies int NOT NULL DEFAULT 0 CHECK (total_replies >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  gone boolean NOT NULL DEFAULT false, -- deleted, and nothing below is left that would need it as a tombstone
  CHECK ((root_comment_id IS NULL) = (parent_comment_id IS NULL))
) WITH (fillfactor = 85); -- room on each page for new versions of a row whose counters move

-- None by likes: each like would then rewrite every index entry of its comment. A post's comments are sorted when asked.
CREATE INDEX post_comments_top ON post_comments (post_id, created_at, id) WHERE root_comment_id IS NULL AND NOT gone;
CREATE INDEX post_comments_post ON post_comments (post_id);
CREATE INDEX post_comments_user ON post_comments (user_id);
CREATE INDEX post_comments_root ON post_comments (root_comment_id, created_at, id) WHERE root_comment_id IS NOT NULL;
CREATE INDEX post_comments_parent ON post_comments (parent_comment_id, created_at, id)
  WHERE parent_comment_id IS NOT NULL;

CREATE TABLE post_comment_likes (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  comment_id uuid NOT NULL REFERENCES post_comments ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, comment_id)
);
CREATE INDEX post_comment_likes_comment ON post_comment_likes (comment_id);

-- After a comment came (back): tombstones above it are needed again.
CREATE FUNCTION post_comments_appear(node uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  up uuid;
  away boolean;
BEGIN
  LOOP
    -- Locked even where nothing changes: who removes something below the same tombstone has to look after this.
    SELECT parent_comment_id, gone INTO up, away FROM post_comments WHERE id = node FOR NO KEY UPDATE;
    EXIT WHEN NOT FOUND OR NOT away;
    UPDATE post_comments SET gone = false WHERE id = node;
    node := up;
  END LOOP;
END $$;

-- After a comment went: it, and tombstones above it, are gone where nothing stands below.
CREATE FUNCTION post_comments_vanish(node uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  up uuid;
  removed timestamptz;
BEGIN
  LOOP
    -- The lock comes before the look at what stands below: of two who remove the last two, one sees both.
    SELECT parent_comment_id, deleted_at INTO up, removed FROM post_comments WHERE id = node FOR NO KEY UPDATE;
    EXIT WHEN NOT FOUND OR removed IS NULL;
    EXIT WHEN coalesce(
      (SELECT true FROM post_comments WHERE parent_comment_id = node AND NOT gone LIMIT 1), false);
    UPDATE post_comments SET gone = true WHERE id = node;
    node := up;
  END LOOP;
END $$;

-- A deletion counts once: when deleted_at is set, or with the row if it never was. Locks go from a comment upwards
-- and end with the post, whoever comes, so that nobody waits in a circle.
CREATE FUNCTION post_comments_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  comment post_comments;
  change int;
BEGIN
  IF TG_OP = 'INSERT' THEN
    comment := NEW;
    change := (NEW.deleted_at IS NULL)::int;
  ELSIF TG_OP = 'DELETE' THEN
    comment := OLD;
    change := -(OLD.deleted_at IS NULL)::int;
  ELSE
    comment := NEW;
    change := (NEW.deleted_at IS NULL)::int - (OLD.deleted_at IS NULL)::int;
  END IF;
  IF change <> 0 THEN
    UPDATE post_comments SET total_replies = greatest(0, total_replies + change)
    WHERE id = comment.parent_comment_id;
  END IF;
  IF TG_OP = 'DELETE' THEN
    PERFORM post_comments_vanish(comment.parent_comment_id);
  ELSIF comment.deleted_at IS NOT NULL THEN
    PERFORM post_comments_vanish(comment.id);
  ELSIF TG_OP = 'UPDATE' THEN
    PERFORM post_comments_appear(comment.id);
    PERFORM post_comments_appear(comment.parent_comment_id);
  ELSIF comment.parent_comment_id IS NOT NULL THEN
    PERFORM post_comments_appear(comment.parent_comment_id);
  END IF;
  IF change <> 0 THEN
    PERFORM post_count(comment.post_id, 0, change, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_comments_count AFTER INSERT OR DELETE OR UPDATE OF deleted_at ON post_comments
  FOR EACH ROW EXECUTE FUNCTION post_comments_count();

CREATE FUNCTION post_comment_likes_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE post_comments SET total_likes = total_likes + 1 WHERE id = NEW.comment_id;
  ELSE
    UPDATE post_comments SET total_likes = greatest(0, total_likes - 1) WHERE id = OLD.comment_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_comment_likes_count AFTER INSERT OR DELETE ON post_comment_likes
  FOR EACH ROW EXECUTE FUNCTION post_comment_likes_count();
