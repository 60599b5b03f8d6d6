CREATE OR REPLACE FUNCTION posts_liked(those uuid[], numbers int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  post record;
BEGIN
  FOR post IN
    WITH held AS MATERIALIZED (
      -- SELECT hides how many they are: PostgreSQL would take a plan for just as many for a better one, and make it anew.
      SELECT p.id, given.likes FROM unnest((SELECT those), (SELECT numbers)) AS given (id, likes)
      JOIN posts p USING (id) ORDER BY p.id FOR NO KEY UPDATE OF p
    )
    UPDATE posts p SET total_likes = p.total_likes + held.likes FROM held WHERE p.id = held.id
    RETURNING p.id, p.type, p.created_at, p.total_likes + 2 * p.total_reposts AS score, held.likes
  LOOP
    PERFORM post_warm(post.id, post.type, post.created_at, greatest(0, post.score - post.likes), post.score);
  END LOOP;
END $$;

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

CREATE OR REPLACE FUNCTION post_heat(score int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN score < 4 THEN score ELSE 2 * bits - 2 + (score >> (bits - 2) & 1) END
  FROM (SELECT length(ltrim(score::bit(32)::text, '0')) AS bits) AS b
$$;
DROP FUNCTION post_type_warms(text);
