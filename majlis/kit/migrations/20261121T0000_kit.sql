-- What every part of the server uses: jobs inside a statement, stored answers, distances.

-- Stores a job per handler name and payload; called inside a larger statement that has just done the work.
-- In plpgsql because its plan is kept: a function in SQL would be planned again in every statement.
CREATE FUNCTION emit_facts(names text[], payloads bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pgqueuer (priority, status, entrypoint, payload)
  SELECT 0, 'queued', name, payload FROM unnest(payloads) AS payload CROSS JOIN unnest(names) AS name;
END $$;

-- Answers of creating requests, kept so that a repeated request is not done twice.
CREATE TABLE idempotency_keys (
  user_id uuid NOT NULL,
  key text NOT NULL,
  route text NOT NULL,
  body_hash bytea NOT NULL,
  status int,
  headers jsonb,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Text as it is searched: letters that keyboards write in two ways (yeh, kaf, heh) made one, vowel marks and
-- lengthening strokes dropped.
CREATE FUNCTION search_text(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT translate(value, U&'\064A\0649\0643\0629\06C0\0640\064B\064C\064D\064E\064F\0650\0651\0652\0670',
                          U&'\06CC\06CC\06A9\0647\0647')
$$;

-- Great-circle distance in km on a sphere of 6371 km (haversine); a point is (longitude, latitude).
CREATE FUNCTION distance_km(a point, b point) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT 2 * 6371 * asin(sqrt(least(1,
    sin(radians(b[1] - a[1]) / 2) ^ 2
    + cos(radians(a[1])) * cos(radians(b[1])) * sin(radians(b[0] - a[0]) / 2) ^ 2)))
$$;
