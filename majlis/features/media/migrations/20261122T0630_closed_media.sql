-- What was closed stays closed until something shows it to everybody.
SET LOCAL statement_timeout = '1h';

ALTER TABLE uploads ADD COLUMN closed boolean NOT NULL DEFAULT false;
-- Of what a private account keeps nobody knows any more what showed it.
UPDATE uploads SET closed = true WHERE public_refs = 0
  AND (private_refs > 0 OR attached > 0 AND user_id IN (SELECT id FROM profiles WHERE is_private));
-- Deleted posts were turned with their accounts, and counted what they had given up: what is kept only has no such references.
UPDATE uploads SET public_refs = 0, private_refs = 0 WHERE public_refs + private_refs > 0
  AND attached = (SELECT count(*) FROM library_items i WHERE i.object = uploads.object);

-- Whatever moves the counters moves it. With the last reference an upload closes, too: its files are there for a while.
CREATE FUNCTION uploads_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.closed := NEW.public_refs = 0
    AND (OLD.closed OR NEW.private_refs > 0 OR OLD.attached > 0 AND NEW.attached = 0);
  RETURN NEW;
END $$;
CREATE TRIGGER uploads_close BEFORE UPDATE OF attached, public_refs, private_refs ON uploads
  FOR EACH ROW EXECUTE FUNCTION uploads_close();

CREATE OR REPLACE FUNCTION media_closed(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT public_refs = 0 AND (private_refs > 0 OR closed) FROM uploads WHERE object = name), false)
$$;
