-- Pictures of comments have the addresses that suit who sees the post.
SET LOCAL statement_timeout = '1h';

-- The post is held as by whoever turns it, and last, as where it counts its comments: so either sees the other.
CREATE FUNCTION comments_settle(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM post_comments WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  PERFORM FROM uploads WHERE object IN ( -- in one order for everybody
    SELECT f.path FROM post_comments c CROSS JOIN LATERAL media_addresses(c.attachments::text) AS f
    WHERE c.id = ANY (ids) AND f.main) ORDER BY object FOR UPDATE;
  PERFORM FROM posts WHERE id IN (SELECT post_id FROM post_comments WHERE id = ANY (ids)) ORDER BY id FOR NO KEY UPDATE;
  UPDATE post_comments c SET attachments = media_turn(c.attachments::text, hide)::json
  FROM (SELECT d.id, NOT (post_open(p.visibility, p.status, p.hidden_as, a.is_private)
          AND coalesce(d.hidden_as = 'HELD_NEW', true)) AS hide
        FROM post_comments d JOIN posts p ON p.id = d.post_id JOIN profiles a ON a.id = p.user_id
        WHERE d.id = ANY (ids)) AS stands
  WHERE c.id = stands.id AND NOT media_fits(c.attachments::text, hide);
END $$;

-- Whatever brings pictures into a row, or hides it, ends with addresses that suit.
CREATE FUNCTION post_comments_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM comments_settle(ARRAY[NEW.id]);
  RETURN NULL;
END $$;
CREATE TRIGGER post_comments_settled AFTER INSERT OR UPDATE OF attachments, hidden_as ON post_comments
  FOR EACH ROW WHEN (NEW.attachments::text <> '[]') EXECUTE FUNCTION post_comments_settled();

DO $$ BEGIN
  PERFORM comments_settle(ARRAY[c.id])
  FROM post_comments c JOIN posts p ON p.id = c.post_id JOIN profiles a ON a.id = p.user_id
  WHERE c.attachments::text <> '[]' AND NOT (post_open(p.visibility, p.status, p.hidden_as, a.is_private)
    AND coalesce(c.hidden_as = 'HELD_NEW', true));
END $$;
