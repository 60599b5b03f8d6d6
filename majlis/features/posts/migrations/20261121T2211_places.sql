-- Most posts know a place and few show it: a map looks at those alone.
CREATE INDEX posts_shown_place ON posts USING gist (address_location)
  WHERE deleted_at IS NULL AND is_location AND address_location IS NOT NULL;

-- Names of places are compared without regard to capitals.
CREATE INDEX posts_in_country ON posts (lower(country), created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_in_province ON posts (lower(province), created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_in_district ON posts (lower(district), created_at DESC, id DESC)
  WHERE deleted_at IS NULL AND district IS NOT NULL;
CREATE INDEX posts_in_neighborhood ON posts (lower(neighborhood), created_at DESC, id DESC)
  WHERE deleted_at IS NULL AND neighborhood IS NOT NULL;
DROP INDEX posts_province;
