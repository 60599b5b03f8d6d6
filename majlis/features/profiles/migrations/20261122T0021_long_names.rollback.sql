ALTER TABLE profiles
  DROP CONSTRAINT profiles_names,
  ADD CONSTRAINT profiles_first_name_check CHECK (length(first_name) <= 100) NOT VALID,
  ADD CONSTRAINT profiles_last_name_check CHECK (length(last_name) <= 100) NOT VALID;
