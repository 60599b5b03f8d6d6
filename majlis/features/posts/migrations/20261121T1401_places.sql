-- Where a post is for whoever looks for posts around a place: exactly where its author shows it, else on a grid of a
-- thousandth of a degree (about 0.1 km), so that searching with ever smaller circles finds nobody's home.
CREATE FUNCTION post_place(shown boolean, address point, author point) RETURNS point
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN shown AND address IS NOT NULL THEN address
    ELSE point(round(((coalesce(address, author))[0] * 1000)::numeric) / 1000.0::float8,
               round(((coalesce(address, author))[1] * 1000)::numeric) / 1000.0::float8) END
$$;

DROP INDEX posts_place;
CREATE INDEX posts_place ON posts USING gist (post_place(is_location, address_location, user_location))
  WHERE deleted_at IS NULL;
