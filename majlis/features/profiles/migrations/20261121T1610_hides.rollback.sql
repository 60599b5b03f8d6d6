DROP TRIGGER profiles_hide ON privacy_settings;
DROP FUNCTION profiles_hide();
DROP FUNCTION profile_audience(text);
ALTER TABLE profiles DROP COLUMN is_private, DROP COLUMN hides;
