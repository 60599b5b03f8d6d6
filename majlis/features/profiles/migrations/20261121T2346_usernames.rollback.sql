DROP TRIGGER profiles_name ON profiles;
DROP FUNCTION profiles_name();
DROP FUNCTION derived_username(uuid);
ALTER TABLE profiles DROP COLUMN subscription_price, DROP COLUMN monetization_enabled, DROP COLUMN username;
