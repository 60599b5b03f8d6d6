DROP INDEX posts_place;
CREATE INDEX posts_place ON posts USING gist (coalesce(address_location, user_location)) WHERE deleted_at IS NULL;
DROP FUNCTION post_place(boolean, point, point);
