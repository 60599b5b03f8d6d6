CREATE INDEX account_deletion_reasons_profile ON account_deletion_reasons (profile_id);
