-- For how long an account is closed, and the reason that is told to its owner.
ALTER TABLE users
  ADD COLUMN suspended_until timestamptz,
  ADD COLUMN suspended_reason text CHECK (length(suspended_reason) <= 1000);
CREATE INDEX users_suspended_until ON users (suspended_until) WHERE suspended_until IS NOT NULL;
