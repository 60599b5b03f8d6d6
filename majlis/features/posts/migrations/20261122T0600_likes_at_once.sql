-- Adds likes to several posts at once, and keeps their heat: one by one each would cost a plan, and a look at all the
-- indexes of posts. Rows are held in the order of their ids, so that two of these never wait for one another in a circle.
CREATE FUNCTION posts_liked(those uuid[], numbers int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH held AS MATERIALIZED (
    -- SELECT hides how many they are: PostgreSQL would take a plan for just as many for a better one, and make it anew.
    SELECT p.id, given.likes FROM unnest((SELECT those), (SELECT numbers)) AS given (id, likes)
    JOIN posts p USING (id) ORDER BY p.id FOR NO KEY UPDATE OF p
  ), moved AS (
    UPDATE posts p SET total_likes = p.total_likes + held.likes FROM held WHERE p.id = held.id
    RETURNING p.id, p.type, p.created_at, p.total_likes + 2 * p.total_reposts AS score, held.likes
  )
  INSERT INTO post_heats (post_id, heat, created_at)
  SELECT id, post_heat(score), created_at FROM moved
  WHERE type = 'FEED' AND post_heat(score) <> post_heat(greatest(0, score - likes)) ORDER BY id
  ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
END $$;
