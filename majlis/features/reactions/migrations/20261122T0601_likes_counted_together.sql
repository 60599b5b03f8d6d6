-- Likes that come in one statement move the counters of their posts in one, too.
CREATE FUNCTION post_likes_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM posts_liked(array_agg(post_id), array_agg(likes))
  FROM (SELECT post_id, count(*)::int AS likes FROM added GROUP BY post_id) AS liked;
  RETURN NULL;
END $$;
DROP TRIGGER post_likes_count ON post_likes;
CREATE TRIGGER post_likes_added AFTER INSERT ON post_likes
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION post_likes_added();
CREATE TRIGGER post_likes_count AFTER DELETE ON post_likes FOR EACH ROW EXECUTE FUNCTION post_likes_count();
