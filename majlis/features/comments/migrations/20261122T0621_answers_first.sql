-- Comments are held from the latest on: an answer before what it answers, as by whoever deletes it.
CREATE OR REPLACE FUNCTION comments_settle(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM post_comments WHERE id = ANY (ids) ORDER BY id DESC FOR NO KEY UPDATE;
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
