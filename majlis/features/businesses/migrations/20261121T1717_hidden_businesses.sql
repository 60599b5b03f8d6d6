-- Why moderators took a business away. It counts as deleted meanwhile; without a state its owner deleted it.
ALTER TABLE business_profiles
  ADD COLUMN hidden_as text CHECK (hidden_as IN ('HELD_NEW', 'HELD', 'HIDDEN')),
  ADD COLUMN hidden_reason text CHECK (length(hidden_reason) <= 1000),
  ADD CONSTRAINT hidden_business_is_deleted CHECK (hidden_as IS NULL OR deleted_at IS NOT NULL);
