-- Which references are for everybody, and how an address is written that is not.

-- An upload opens to everybody while a public reference is there, and closes with a private one where there is none.
-- What only its owner keeps counts as neither.
ALTER TABLE uploads
  ADD COLUMN public_refs int NOT NULL DEFAULT 0 CHECK (public_refs >= 0),
  ADD COLUMN private_refs int NOT NULL DEFAULT 0 CHECK (private_refs >= 0);
UPDATE uploads SET public_refs = attached WHERE attached > 0;

-- What makes marks. It stays as it is for as long as the addresses in rows do, so it is no setting.
CREATE TABLE media_keys (key bytea NOT NULL);
INSERT INTO media_keys SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- What tells an address that this server wrote into a row from one that somebody typed: the first is signed whenever
-- it leaves, so nobody may be able to write it.
CREATE FUNCTION media_mark(path text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(substring(sha256(key || sha256(key || convert_to(path, 'UTF8'))) FOR 16), 'hex') FROM media_keys
$$;

-- The addresses of uploads in a JSON text: each as it stands there, which object it is of, and whether it is private.
CREATE FUNCTION media_addresses(doc text, OUT whole text, OUT before text, OUT path text, OUT main boolean, OUT hidden boolean)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
  SELECT f[1], f[2], f[4], f[2] ~ '^"url"', f[3] LIKE 'private-media^%'
  FROM regexp_matches(doc,
    '(("(?:url|thumbnail_url)": ?")([^"]*/)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[a-z0-9_-]{1,80}\.(?:webp|mp4|webm|mov))")',
    'g') AS f
$$;

-- The same text with the private form of all its addresses.
CREATE FUNCTION media_hidden(doc text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT DISTINCT whole, before, path FROM media_addresses(doc) WHERE NOT hidden LOOP
    doc := replace(doc, one.whole, one.before || 'private-media^' || media_mark(one.path) || '/' || one.path || '"');
  END LOOP;
  RETURN doc;
END $$;

-- Whether an upload is for those only who are shown a signed address.
CREATE FUNCTION media_closed(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT public_refs = 0 AND private_refs > 0 FROM uploads WHERE object = name), false)
$$;

-- For copies that are no references: the private form of what is closed by now.
CREATE FUNCTION media_shown(doc text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  one record;
  closed boolean := false;
BEGIN
  FOR one IN SELECT DISTINCT path FROM media_addresses(doc) WHERE main AND NOT hidden LOOP
    closed := closed OR media_closed(one.path);
  END LOOP;
  RETURN CASE WHEN closed THEN media_hidden(doc) ELSE doc END;
END $$;

-- Whether all addresses in a text have the form that is wanted.
CREATE FUNCTION media_fits(doc text, hide boolean) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT doc = '[]' OR NOT EXISTS (SELECT FROM media_addresses(doc) WHERE hidden <> hide)
$$;

-- The text of a row that refers to uploads, with its references made private or public and counted so.
CREATE FUNCTION media_turn(doc text, hide boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  one record;
  part record;
  base text;
BEGIN
  FOR one IN
    SELECT path AS object, count(*)::int AS times FROM media_addresses(doc)
    WHERE main AND hidden <> hide GROUP BY path ORDER BY path -- in one order for everybody
  LOOP
    UPDATE uploads SET
      public_refs = CASE WHEN hide THEN greatest(0, public_refs - one.times) ELSE public_refs + one.times END,
      private_refs = CASE WHEN hide THEN private_refs + one.times ELSE greatest(0, private_refs - one.times) END
    WHERE object = one.object
    RETURNING left(photo ->> 'url', -length(object)) INTO base;
    CONTINUE WHEN hide OR NOT FOUND;
    FOR part IN -- the thumbnail lies beside it
      SELECT DISTINCT whole, before, path FROM media_addresses(doc)
      WHERE hidden AND split_part(path, '/', 1) = split_part(one.object, '/', 1)
    LOOP
      doc := replace(doc, part.whole, part.before || base || part.path || '"');
    END LOOP;
  END LOOP;
  RETURN CASE WHEN hide THEN media_hidden(doc) ELSE doc END;
END $$;

-- What somebody only keeps is no reference for everybody.
CREATE FUNCTION media_keep(name text) RETURNS void LANGUAGE sql AS $$
  UPDATE uploads SET public_refs = greatest(0, public_refs - 1) WHERE object = name
$$;
