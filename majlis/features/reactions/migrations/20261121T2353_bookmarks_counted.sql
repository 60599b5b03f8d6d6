-- How often a post was bookmarked is kept in its row.
SET LOCAL statement_timeout = '1h';

CREATE FUNCTION post_bookmarks_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM post_bookmark_count(NEW.post_id, 1);
  ELSE
    PERFORM post_bookmark_count(OLD.post_id, -1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER post_bookmarks_count AFTER INSERT OR DELETE ON post_bookmarks
  FOR EACH ROW EXECUTE FUNCTION post_bookmarks_count();
-- Behind the trigger, whose lock keeps bookmarks from coming and going meanwhile.
DO $$ BEGIN
  PERFORM post_bookmark_count(k.post_id, k.times)
  FROM (SELECT post_id, count(*)::int AS times FROM post_bookmarks GROUP BY post_id ORDER BY post_id) k;
END $$;
