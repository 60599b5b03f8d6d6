-- Doors that know one name take up to 255 characters of it, which may be a single word.
ALTER TABLE profiles
  DROP CONSTRAINT profiles_first_name_check,
  DROP CONSTRAINT profiles_last_name_check,
  ADD CONSTRAINT profiles_names CHECK (length(first_name) <= 255 AND length(last_name) <= 255) NOT VALID;
ALTER TABLE profiles VALIDATE CONSTRAINT profiles_names;
