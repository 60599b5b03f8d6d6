-- Second factors of accounts, the challenges that ask for one, and codes for when a factor is lost.

CREATE TABLE mfa_factors (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  factor_type text NOT NULL CHECK (factor_type IN ('TOTP', 'SMS', 'EMAIL')),
  secret_key text NOT NULL, -- sealed
  status text NOT NULL DEFAULT 'unverified' CHECK (status IN ('verified', 'unverified')),
  last_step bigint NOT NULL DEFAULT 0, -- of the latest code that was accepted: it and those before count no more
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
-- One verified factor of a type each, and one that waits to be.
CREATE UNIQUE INDEX mfa_factors_user ON mfa_factors (user_id, factor_type, status) WHERE deleted_at IS NULL;
CREATE INDEX mfa_factors_all_of_user ON mfa_factors (user_id);

CREATE TABLE mfa_challenges (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  factor_id uuid REFERENCES mfa_factors ON DELETE CASCADE,
  session_id uuid, -- the session to be raised; null when a sign-in waits for the code
  device_info jsonb, -- what the sign-in told of the device
  attempts int NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  used boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mfa_challenges_user ON mfa_challenges (user_id) WHERE NOT used;
CREATE INDEX mfa_challenges_factor ON mfa_challenges (factor_id);
CREATE INDEX mfa_challenges_expires_at ON mfa_challenges (expires_at);

CREATE TABLE mfa_backup_codes (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  factor_id uuid NOT NULL REFERENCES mfa_factors ON DELETE CASCADE, -- whose secret keys the hash
  code bytea NOT NULL, -- HMAC-SHA-256
  used boolean NOT NULL DEFAULT false,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, code)
);
CREATE INDEX mfa_backup_codes_factor ON mfa_backup_codes (factor_id);
