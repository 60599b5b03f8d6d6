-- A post that its author deleted gave its references up: it has none to turn. What moderators hide keeps them.
CREATE OR REPLACE FUNCTION posts_settle(ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM posts WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE posts p SET attachments = media_turn(p.attachments::text, hide)::json
  FROM (SELECT q.id, NOT post_open(q.visibility, q.status, q.hidden_as, a.is_private) AS hide
        FROM posts q JOIN profiles a ON a.id = q.user_id WHERE q.id = ANY (ids)
          AND (q.deleted_at IS NULL OR q.hidden_as IS NOT NULL)) AS stands
  WHERE p.id = stands.id AND NOT media_fits(p.attachments::text, hide);
  RETURN QUERY SELECT id FROM posts WHERE id = ANY (ids) AND total_comments > 0;
END $$;
