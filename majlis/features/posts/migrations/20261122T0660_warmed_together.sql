-- What warms posts, at less cost: the step of a score is one look-up, written into the statement that asks for it, and
-- heats of posts that are liked together are stored together.
CREATE OR REPLACE FUNCTION post_heat(score int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT width_bucket(score, '{
    1,2,3,4,6,8,12,16,24,32,48,64,96,128,192,256,384,512,768,1024,1536,2048,3072,4096,6144,8192,12288,16384,24576,
    32768,49152,65536,98304,131072,196608,262144,393216,524288,786432,1048576,1572864,2097152,3145728,4194304,
    6291456,8388608,12582912,16777216,25165824,33554432,50331648,67108864,100663296,134217728,201326592,268435456,
    402653184,536870912,805306368,1073741824,1610612736
  }'::int[])
$$;

-- Whether posts of a type have heat: those that stand in timelines.
CREATE FUNCTION post_type_warms(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT kind IN ('FEED', 'PULL')
$$;

CREATE OR REPLACE FUNCTION post_warm(post uuid, kind text, born timestamptz, before int, after int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT post_type_warms(kind) OR post_heat(before) = post_heat(after) THEN
    RETURN;
  ELSIF after = 0 THEN
    DELETE FROM post_heats WHERE post_id = post;
  ELSE
    INSERT INTO post_heats (post_id, heat, created_at) VALUES (post, post_heat(after), born)
    ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION posts_liked(those uuid[], numbers int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH held AS MATERIALIZED (
    -- SELECT hides how many they are: PostgreSQL would take a plan for just as many for a better one, and make it anew.
    SELECT p.id, given.likes FROM unnest((SELECT those), (SELECT numbers)) AS given (id, likes)
    JOIN posts p USING (id) ORDER BY p.id FOR NO KEY UPDATE OF p
  ), moved AS (
    UPDATE posts p SET total_likes = p.total_likes + held.likes FROM held WHERE p.id = held.id
    RETURNING p.id, p.type, p.created_at, p.total_likes + 2 * p.total_reposts AS score, held.likes
  )
  INSERT INTO post_heats (post_id, heat, created_at)
  SELECT id, post_heat(score), created_at FROM moved
  WHERE post_type_warms(type) AND post_heat(score) <> post_heat(greatest(0, score - likes)) ORDER BY id
  ON CONFLICT (post_id) DO UPDATE SET heat = excluded.heat;
END $$;
