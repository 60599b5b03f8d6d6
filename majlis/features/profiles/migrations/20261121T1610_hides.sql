-- What the cards of a person leave out, copied from the settings: a list of people or posts then needs no look at
-- those. `hides` holds an audience for each thing, two bits each: the name from bit 0, pictures from bit 2, the
-- text about oneself from bit 4, being found from bit 6. 0 is anyone, 1 whom the person follows, 2 nobody else.

ALTER TABLE profiles ADD COLUMN hides smallint NOT NULL DEFAULT 0, ADD COLUMN is_private boolean NOT NULL DEFAULT false;

CREATE FUNCTION profile_audience(visibility text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE visibility WHEN 'Anyone on Hamsaya' THEN 0 WHEN 'People I follow' THEN 1 ELSE 2 END
$$;

CREATE FUNCTION profiles_hide() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  hidden smallint := profile_audience(NEW.full_name_visibility)
    | (profile_audience(NEW.profile_photos_visibility) << 2)
    | (profile_audience(NEW.profile_bio_visibility) << 4)
    | (profile_audience(NEW.discoverability_visibility) << 6);
BEGIN
  UPDATE profiles SET hides = hidden, is_private = NEW.is_private
  WHERE id = NEW.profile_id AND (hides, is_private) IS DISTINCT FROM (hidden, NEW.is_private);
  RETURN NULL;
END $$;
CREATE TRIGGER profiles_hide AFTER INSERT OR UPDATE ON privacy_settings
  FOR EACH ROW EXECUTE FUNCTION profiles_hide();
