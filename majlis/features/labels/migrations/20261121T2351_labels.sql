-- What posts are labelled with: an open object that their author sent along, and the hashtags in what they say.

CREATE TABLE post_labels (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  tags text[] NOT NULL DEFAULT '{}', -- the hashtags and the strings of metadata.tags, as they are looked for
  created_at timestamptz NOT NULL -- when the post was
);
-- Any of the filters together are one look into one index.
CREATE INDEX post_labels_found ON post_labels USING gin (metadata jsonb_path_ops, tags);
CREATE INDEX post_labels_recent ON post_labels (created_at DESC, post_id DESC);

CREATE TABLE post_hashtags (
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  tag varchar(100) NOT NULL,
  position smallint NOT NULL, -- in the text, from 0
  counted boolean NOT NULL, -- whether everybody may see the post: only then the tag's counts know of it
  created_at timestamptz NOT NULL, -- when the post was
  PRIMARY KEY (post_id, tag)
);
CREATE INDEX post_hashtags_tag ON post_hashtags (tag, created_at DESC, post_id DESC);
CREATE INDEX post_hashtags_recent ON post_hashtags (created_at);

-- How many posts there are with a tag, by the hour in which they were written; hours that are over a week old go.
CREATE TABLE hashtag_hours (
  hour timestamptz NOT NULL,
  tag varchar(100) NOT NULL,
  posts int NOT NULL CHECK (posts >= 0),
  PRIMARY KEY (hour, tag)
);

CREATE TABLE hashtags (
  tag varchar(100) PRIMARY KEY,
  posts int NOT NULL CHECK (posts >= 0), -- in all
  recent int NOT NULL CHECK (recent >= 0) -- the sum of the hours that are kept
);
CREATE INDEX hashtags_trending ON hashtags (recent DESC, tag) WHERE recent > 0;
CREATE INDEX hashtags_words ON hashtags (tag text_pattern_ops);

-- An hour is begun while it is within the week, and counts as long as it is kept: so what is added to `recent` is what
-- is taken from it, whenever that is.
CREATE FUNCTION hashtag_count(label text, written timestamptz, step int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := date_trunc('hour', written, 'UTC');
  recently int := 0;
BEGIN
  INSERT INTO hashtags (tag, posts, recent) VALUES (label, greatest(0, step), 0)
  ON CONFLICT (tag) DO UPDATE SET posts = greatest(0, hashtags.posts + step);
  -- Behind the tag's row, which makes those who count the same tag wait for one another.
  UPDATE hashtag_hours h SET posts = h.posts + step WHERE h.hour = began AND h.tag = label;
  IF FOUND THEN
    recently := step;
  ELSIF step > 0 AND began > now() - interval '7 days' THEN
    INSERT INTO hashtag_hours (hour, tag, posts) VALUES (began, label, step);
    recently := step;
  END IF;
  IF recently <> 0 THEN
    UPDATE hashtags SET recent = recent + recently WHERE tag = label;
  END IF;
END $$;

CREATE FUNCTION post_hashtags_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.counted THEN PERFORM hashtag_count(NEW.tag, NEW.created_at, 1); END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.counted THEN PERFORM hashtag_count(OLD.tag, OLD.created_at, -1); END IF;
  ELSIF OLD.counted <> NEW.counted THEN
    PERFORM hashtag_count(NEW.tag, NEW.created_at, CASE WHEN NEW.counted THEN 1 ELSE -1 END);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_hashtags_count AFTER INSERT OR DELETE OR UPDATE OF counted ON post_hashtags
  FOR EACH ROW EXECUTE FUNCTION post_hashtags_count();

-- Posts that are there already are labelled by the worker, as if they were changed.
DO $$ BEGIN
  PERFORM emit_facts(ARRAY['labels.handlers.follow:PostChanged'],
    (SELECT array_agg(convert_to(json_build_object('post_id', id)::text, 'UTF8')) FROM posts
     WHERE type = 'FEED' AND deleted_at IS NULL AND concat_ws(' ', title, description) LIKE '%#%'));
END $$;
