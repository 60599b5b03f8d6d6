-- The map: how many posts there are in each square, at every zoom, so that a page of the whole country costs as
-- little as one of a street. Only what everybody may see is counted here; what a viewer sees besides, or does not
-- see, is added and taken away when the map is drawn.

-- The square of a place on the finest grid: 2^18 columns from the west and as many rows from the north, in the
-- projection of web maps, which ends 85 degrees from the equator.
CREATE FUNCTION map_x(place point) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT least(262143, floor((place[0] + 180) / 360 * 262144)::int)
$$;
CREATE FUNCTION map_y(place point) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT greatest(0, least(262143, floor(
    (0.5 - ln(tan(pi() / 4 + radians(greatest(-85.06, least(85.06, place[1]))) / 2)) / (2 * pi())) * 262144)::int))
$$;

-- What everybody may see on a map.
CREATE VIEW map_shown AS
  SELECT p.id AS post_id, p.user_id, p.business_id, p.type, p.category_id, p.address_location AS place
  FROM posts p JOIN profiles a ON a.id = p.user_id
  WHERE p.is_location AND p.address_location IS NOT NULL
    AND p.deleted_at IS NULL AND p.status AND p.visibility = 'PUBLIC'
    AND a.deleted_at IS NULL AND NOT a.suspended AND NOT a.is_private
    AND (p.business_id IS NULL
      OR (SELECT b.deleted_at IS NULL AND b.status FROM business_profiles b WHERE b.id = p.business_id));

-- The posts that are counted. A post counts once because it has one row here, whatever happens around it.
CREATE TABLE map_points (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  user_id uuid NOT NULL,
  business_id uuid,
  type text NOT NULL,
  category_id uuid,
  place point NOT NULL,
  x int NOT NULL,
  y int NOT NULL
);
CREATE INDEX map_points_user ON map_points (user_id);

-- The squares of the levels 2, 4 … 18; a level has 2^level columns and rows.
CREATE TABLE map_cells (
  level smallint NOT NULL,
  y int NOT NULL,
  x int NOT NULL,
  type text NOT NULL,
  category_id uuid,
  posts int NOT NULL,
  lng_sum float8 NOT NULL,
  lat_sum float8 NOT NULL
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX map_cells_place ON map_cells (level, y, x, type, category_id) NULLS NOT DISTINCT;
CREATE INDEX map_cells_empty ON map_cells (level) WHERE posts = 0;

-- What the squares do not hold yet. Whoever writes a post adds a row here instead of moving counters that
-- everybody else's posts move too; a job brings them in.
CREATE TABLE map_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  x int NOT NULL,
  y int NOT NULL,
  type text NOT NULL,
  category_id uuid,
  posts int NOT NULL,
  place point NOT NULL
);

CREATE FUNCTION map_gain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO map_changes (x, y, type, category_id, posts, place)
    SELECT x, y, type, category_id, 1, place FROM gained;
  RETURN NULL;
END $$;
CREATE TRIGGER map_gain AFTER INSERT ON map_points
  REFERENCING NEW TABLE AS gained FOR EACH STATEMENT EXECUTE FUNCTION map_gain();
CREATE FUNCTION map_lose() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO map_changes (x, y, type, category_id, posts, place)
    SELECT x, y, type, category_id, -1, place FROM lost;
  RETURN NULL;
END $$;
CREATE TRIGGER map_lose AFTER DELETE ON map_points
  REFERENCING OLD TABLE AS lost FOR EACH STATEMENT EXECUTE FUNCTION map_lose();

-- Counts these posts as they are now.
CREATE FUNCTION map_refresh(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM map_points m WHERE m.post_id = ANY (ids) AND NOT EXISTS (
    SELECT FROM map_shown s WHERE s.post_id = m.post_id AND s.type = m.type AND s.place ~= m.place
      AND s.category_id IS NOT DISTINCT FROM m.category_id AND s.business_id IS NOT DISTINCT FROM m.business_id);
  INSERT INTO map_points (post_id, user_id, business_id, type, category_id, place, x, y)
    SELECT post_id, user_id, business_id, type, category_id, place, map_x(place), map_y(place)
    FROM map_shown WHERE post_id = ANY (ids) ON CONFLICT DO NOTHING;
END $$;

-- Counts all posts as they are now, those that were stored without triggers too. Returns how many were wrong.
CREATE FUNCTION map_mend() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
  added bigint;
BEGIN
  DELETE FROM map_points m WHERE NOT EXISTS (
    SELECT FROM map_shown s WHERE s.post_id = m.post_id AND s.type = m.type AND s.place ~= m.place
      AND s.category_id IS NOT DISTINCT FROM m.category_id AND s.business_id IS NOT DISTINCT FROM m.business_id);
  GET DIAGNOSTICS gone = ROW_COUNT;
  INSERT INTO map_points (post_id, user_id, business_id, type, category_id, place, x, y)
    SELECT post_id, user_id, business_id, type, category_id, place, map_x(place), map_y(place)
    FROM map_shown s WHERE NOT EXISTS (SELECT FROM map_points m WHERE m.post_id = s.post_id) ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN gone + added;
END $$;

-- Brings up to `most` changes into the squares. Returns how many there were; none when somebody else is at it.
CREATE FUNCTION map_fold(most int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('map_fold')) THEN RETURN 0; END IF;
  WITH gone AS (
    DELETE FROM map_changes WHERE id IN (SELECT id FROM map_changes ORDER BY id LIMIT most) RETURNING *
  ), moved AS (
    INSERT INTO map_cells (level, y, x, type, category_id, posts, lng_sum, lat_sum)
    SELECT level, y >> 18 - level, x >> 18 - level, type, category_id,
      sum(posts), sum(posts * place[0]), sum(posts * place[1])
    FROM gone, generate_series(2, 18, 2) AS level
    GROUP BY level, y >> 18 - level, x >> 18 - level, type, category_id
    ON CONFLICT (level, y, x, type, category_id) DO UPDATE SET posts = map_cells.posts + excluded.posts,
      lng_sum = map_cells.lng_sum + excluded.lng_sum, lat_sum = map_cells.lat_sum + excluded.lat_sum
  )
  SELECT count(*) INTO taken FROM gone;
  DELETE FROM map_cells WHERE posts = 0;
  RETURN taken;
END $$;

CREATE FUNCTION map_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM map_refresh(ARRAY[NEW.id]);
  RETURN NULL;
END $$;
CREATE TRIGGER map_post_added AFTER INSERT ON posts
  FOR EACH ROW WHEN (NEW.is_location AND NEW.address_location IS NOT NULL) EXECUTE FUNCTION map_post();
CREATE TRIGGER map_post_changed AFTER UPDATE OF
  deleted_at, status, visibility, is_location, address_location, type, category_id, business_id ON posts
  FOR EACH ROW WHEN (NEW.is_location OR OLD.is_location) EXECUTE FUNCTION map_post();

CREATE FUNCTION map_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM map_refresh(array_agg(id)) FROM posts WHERE user_id = NEW.id AND is_location AND deleted_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER map_author AFTER UPDATE OF deleted_at, suspended, is_private ON profiles
  FOR EACH ROW WHEN ((OLD.deleted_at IS NULL, OLD.suspended, OLD.is_private)
    IS DISTINCT FROM (NEW.deleted_at IS NULL, NEW.suspended, NEW.is_private))
  EXECUTE FUNCTION map_author();

CREATE FUNCTION map_business() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM map_refresh(array_agg(id)) FROM posts WHERE business_id = NEW.id AND is_location AND deleted_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER map_business AFTER UPDATE OF deleted_at, status ON business_profiles
  FOR EACH ROW WHEN ((OLD.deleted_at IS NULL, OLD.status) IS DISTINCT FROM (NEW.deleted_at IS NULL, NEW.status))
  EXECUTE FUNCTION map_business();
