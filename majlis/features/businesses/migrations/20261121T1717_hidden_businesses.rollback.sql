ALTER TABLE business_profiles
  DROP CONSTRAINT hidden_business_is_deleted, DROP COLUMN hidden_reason, DROP COLUMN hidden_as;
