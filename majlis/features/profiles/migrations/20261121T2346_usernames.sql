-- Names that people are addressed by, unique without case. Whoever gives none has one that tells nothing of them.
-- Prices are in cents.

ALTER TABLE profiles
  ADD COLUMN username text CHECK (username ~ '^[A-Za-z0-9_]{3,30}$' AND lower(username) NOT IN ('me', 'username')),
  ADD COLUMN monetization_enabled boolean NOT NULL DEFAULT false,
  ADD COLUMN subscription_price int CHECK (subscription_price >= 0);

CREATE FUNCTION derived_username(person uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'user_' || right(replace(person::text, '-', ''), 25)
$$;
CREATE FUNCTION profiles_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.username := coalesce(NEW.username, derived_username(NEW.id));
  RETURN NEW;
END $$;
CREATE TRIGGER profiles_name BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION profiles_name();

UPDATE profiles SET username = derived_username(id);
ALTER TABLE profiles ALTER COLUMN username SET NOT NULL;
CREATE UNIQUE INDEX profiles_username ON profiles (lower(username));
