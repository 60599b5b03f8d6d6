-- Polls stand in timelines as feed posts do, so they have a heat, too.
SET LOCAL statement_timeout = '1h';

CREATE OR REPLACE FUNCTION post_warm(post uuid, kind text, born timestamptz, before int, after int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF kind NOT IN ('FEED', 'PULL') OR post_heat(before) = post_heat(after) THEN
    RETURN;
  ELSIF after = 0 THEN
    DELETE FROM post_heats WHERE post_id = post;
  ELSE
    INSERT INTO post_heats (post_id, heat, created_at) VALUES (post, post_heat(after), born)
    ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
  END IF;
END $$;

INSERT INTO post_heats (post_id, heat, created_at)
SELECT id, post_heat(total_likes + 2 * total_reposts), created_at FROM posts
WHERE type = 'PULL' AND total_likes + 2 * total_reposts > 0;
