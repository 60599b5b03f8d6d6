-- Sessions: one row per sign-in; every refresh changes its token.

CREATE TABLE user_sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  refresh_token bytea NOT NULL UNIQUE, -- SHA-256
  access_token_hash bytea NOT NULL, -- SHA-256 of the latest access token
  access_expires_at timestamptz NOT NULL,
  aal int NOT NULL DEFAULT 1 CHECK (aal IN (1, 2)),
  device_info jsonb,
  ip_address inet,
  user_agent text,
  expires_at timestamptz NOT NULL,
  revoked boolean NOT NULL DEFAULT false,
  revoked_at timestamptz,
  last_used_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX user_sessions_user ON user_sessions (user_id) WHERE NOT revoked;
CREATE INDEX user_sessions_expires_at ON user_sessions (expires_at);

-- Tokens that were taken back before they expired, and refresh tokens that were rotated: showing one
-- of those again ends its session.
CREATE TABLE token_blacklist (
  id uuid PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  session_id uuid REFERENCES user_sessions ON DELETE CASCADE,
  expires_at timestamptz NOT NULL,
  reason text CHECK (length(reason) <= 100),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX token_blacklist_expires_at ON token_blacklist (expires_at);
CREATE INDEX token_blacklist_session ON token_blacklist (session_id);
