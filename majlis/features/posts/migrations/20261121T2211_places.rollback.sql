CREATE INDEX posts_province ON posts (province, created_at DESC) WHERE deleted_at IS NULL;
DROP INDEX posts_in_neighborhood;
DROP INDEX posts_in_district;
DROP INDEX posts_in_province;
DROP INDEX posts_in_country;
DROP INDEX posts_shown_place;
