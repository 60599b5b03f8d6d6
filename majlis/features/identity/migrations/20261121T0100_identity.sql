-- Accounts, their passwords, and the tokens that confirm an address or reset a password.

CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL CHECK (length(email) <= 255),
  phone text CHECK (length(phone) <= 20),
  password_hash text,
  email_verified boolean NOT NULL DEFAULT false,
  phone_verified boolean NOT NULL DEFAULT false,
  mfa_enabled boolean NOT NULL DEFAULT false,
  role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'moderator', 'admin')),
  suspended_at timestamptz,
  oauth_provider text CHECK (oauth_provider IN ('google', 'apple', 'facebook')),
  oauth_provider_id text,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
-- A deleted account leaves its address free for a new one.
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX users_phone ON users (phone) WHERE deleted_at IS NULL AND phone IS NOT NULL;

CREATE TABLE password_history (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX password_history_user ON password_history (user_id, created_at DESC);

-- Failed sign-ins per account and address, so that nobody can lock out somebody else.
CREATE TABLE login_failures (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  ip text NOT NULL,
  failed_login_attempts int NOT NULL DEFAULT 0,
  locked_until timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, ip)
);
CREATE INDEX login_failures_updated_at ON login_failures (updated_at);

CREATE TABLE email_verifications (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token bytea NOT NULL UNIQUE, -- SHA-256
  email text NOT NULL,
  expires_at timestamptz NOT NULL,
  used boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX email_verifications_user ON email_verifications (user_id);

CREATE TABLE password_reset_tokens (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token bytea NOT NULL UNIQUE, -- SHA-256
  expires_at timestamptz NOT NULL,
  used boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX password_reset_tokens_user ON password_reset_tokens (user_id);

CREATE TABLE account_deletion_reasons (
  id uuid PRIMARY KEY,
  profile_id uuid REFERENCES users ON DELETE SET NULL, -- the reason outlives the account
  reason text NOT NULL CHECK (length(reason) <= 100),
  details text,
  created_at timestamptz NOT NULL DEFAULT now()
);
