CREATE OR REPLACE FUNCTION media_closed(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT public_refs = 0 AND private_refs > 0 FROM uploads WHERE object = name), false)
$$;
DROP TRIGGER uploads_close ON uploads;
DROP FUNCTION uploads_close();
ALTER TABLE uploads DROP COLUMN closed;
