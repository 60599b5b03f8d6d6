-- What a post said before is forgotten, as when its text goes behind a paywall. Returns how much there was.
CREATE FUNCTION post_edits_forget(post uuid) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  gone int;
BEGIN
  DELETE FROM post_edits WHERE post_id = post;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
