-- How often a post was reposted and bookmarked, and which posts are the warmest.
SET LOCAL statement_timeout = '1h';

ALTER TABLE posts
  ADD COLUMN total_reposts int NOT NULL DEFAULT 0,
  ADD COLUMN total_bookmarks int NOT NULL DEFAULT 0;
-- One constraint still: each is read anew for every update of a counter.
ALTER TABLE posts DROP CONSTRAINT posts_sane;
ALTER TABLE posts ADD CONSTRAINT posts_sane CHECK (
  type IN ('FEED', 'EVENT', 'SELL', 'PULL') AND visibility IN ('PUBLIC', 'FRIENDS', 'PRIVATE')
  AND length(currency) = 3 AND price >= 0 AND discount BETWEEN 0 AND 100
  AND interested_count >= 0 AND going_count >= 0
  AND total_comments >= 0 AND total_likes >= 0 AND total_shares >= 0
  AND total_reposts >= 0 AND total_bookmarks >= 0);

-- Feed posts that anybody liked or reposted. The heat is a step of the score, two to each doubling: so a post moves
-- in the index now and then, not with every like, and the row of a post, whose indexes are many, never for it.
CREATE TABLE post_heats (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  heat smallint NOT NULL CHECK (heat > 0),
  created_at timestamptz NOT NULL -- when the post was
);
CREATE INDEX post_heats_warmest ON post_heats (heat DESC, created_at DESC);

-- The step of a score: 0, 1, 2, 3, 4, 6, 8, 12, 16 … begin one each. It never falls while the score rises.
CREATE FUNCTION post_heat(score int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN score < 4 THEN score ELSE 2 * bits - 2 + (score >> (bits - 2) & 1) END
  FROM (SELECT length(ltrim(score::bit(32)::text, '0')) AS bits) AS b
$$;

-- Keeps the heat of a post whose score moved; the caller holds the post's row.
CREATE FUNCTION post_warm(post uuid, kind text, born timestamptz, before int, after int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF kind <> 'FEED' OR post_heat(before) = post_heat(after) THEN
    RETURN;
  ELSIF after = 0 THEN
    DELETE FROM post_heats WHERE post_id = post;
  ELSE
    INSERT INTO post_heats (post_id, heat, created_at) VALUES (post, post_heat(after), born)
    ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
  END IF;
END $$;

-- Moves the counters of a post; they never drop below 0. Of what it was before, only the score is needed.
CREATE OR REPLACE FUNCTION post_count(post uuid, likes int, comments int, shares int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  kind text;
  born timestamptz;
  score int;
BEGIN
  UPDATE posts SET
    total_likes = greatest(0, total_likes + likes),
    total_comments = greatest(0, total_comments + comments),
    total_shares = greatest(0, total_shares + shares)
  WHERE id = post RETURNING type, created_at, total_likes + 2 * total_reposts INTO kind, born, score;
  IF likes <> 0 AND FOUND THEN
    PERFORM post_warm(post, kind, born, greatest(0, score - likes), score);
  END IF;
END $$;

CREATE FUNCTION post_repost_count(post uuid, step int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  kind text;
  born timestamptz;
  score int;
BEGIN
  UPDATE posts SET total_reposts = greatest(0, total_reposts + step)
  WHERE id = post RETURNING type, created_at, total_likes + 2 * total_reposts INTO kind, born, score;
  IF FOUND THEN
    PERFORM post_warm(post, kind, born, greatest(0, score - 2 * step), score);
  END IF;
END $$;

CREATE FUNCTION post_bookmark_count(post uuid, step int) RETURNS void LANGUAGE sql AS $$
  UPDATE posts SET total_bookmarks = greatest(0, total_bookmarks + step) WHERE id = post
$$;

INSERT INTO post_heats (post_id, heat, created_at)
SELECT id, post_heat(total_likes), created_at FROM posts WHERE type = 'FEED' AND total_likes > 0;
