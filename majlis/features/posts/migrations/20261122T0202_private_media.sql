-- Pictures of posts that are not for everybody have addresses that are signed for whoever sees them.
SET LOCAL statement_timeout = '1h';

-- Whether everybody sees a post of this kind. One that waits for a moderator was shown to nobody but its author.
CREATE FUNCTION post_open(visibility varchar, status boolean, hidden_as text, is_private boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT visibility = 'PUBLIC' AND status AND NOT is_private AND coalesce(hidden_as = 'HELD_NEW', true)
$$;

-- Give the pictures of these posts the addresses that suit who sees them now. Returns those that have comments, whose
-- pictures are to follow. Held first, then looked at: what changes them or their author's privacy comes before or after.
CREATE FUNCTION posts_settle(ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM posts WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE posts p SET attachments = media_turn(p.attachments::text, hide)::json
  FROM (SELECT q.id, NOT post_open(q.visibility, q.status, q.hidden_as, a.is_private) AS hide
        FROM posts q JOIN profiles a ON a.id = q.user_id WHERE q.id = ANY (ids)) AS stands
  WHERE p.id = stands.id AND NOT media_fits(p.attachments::text, hide);
  RETURN QUERY SELECT id FROM posts WHERE id = ANY (ids) AND total_comments > 0;
END $$;

DO $$ BEGIN
  PERFORM posts_settle(ARRAY[p.id]) FROM posts p JOIN profiles a ON a.id = p.user_id
  WHERE p.attachments::text <> '[]' AND NOT post_open(p.visibility, p.status, p.hidden_as, a.is_private);
END $$;
