DELETE FROM post_heats h USING posts p WHERE p.id = h.post_id AND p.type = 'PULL';
CREATE OR REPLACE FUNCTION post_warm(post uuid, kind text, born timestamptz, before int, after int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF kind <> 'FEED' OR post_heat(before) = post_heat(after) THEN
    RETURN;
  ELSIF after = 0 THEN
    DELETE FROM post_heats WHERE post_id = post;
  ELSE
    INSERT INTO post_heats (post_id, heat, created_at) VALUES (post, post_heat(after), born)
    ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
  END IF;
END $$;
