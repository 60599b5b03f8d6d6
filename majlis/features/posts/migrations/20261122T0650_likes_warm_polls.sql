-- Likes of polls warm them as those of short posts do: what has heat and what has none is known in one place, post_warm.
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
