-- Accounts at social networks that people connect, and what has to be revoked there.

-- An attempt counts once; only the hash of its state is kept.
CREATE TABLE connection_attempts (
  id uuid PRIMARY KEY,
  state_hash bytea NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  platform text NOT NULL CHECK (length(platform) <= 20),
  verifier text NOT NULL, -- sealed; empty where none is needed
  expires_at timestamptz NOT NULL,
  CONSTRAINT connection_attempts_state UNIQUE (state_hash)
);
CREATE INDEX connection_attempts_user ON connection_attempts (user_id);
CREATE INDEX connection_attempts_expires ON connection_attempts (expires_at);

CREATE TABLE connections (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  platform text NOT NULL CHECK (
    platform IN ('instagram', 'tiktok', 'youtube', 'spotify', 'twitter', 'soundcloud', 'apple_music')
  ),
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255), -- who it is there
  username text NOT NULL CHECK (length(username) BETWEEN 1 AND 255), -- without a sign before it
  profile_url text CHECK (length(profile_url) <= 2000),
  access_token text NOT NULL, -- sealed; empty once it is nothing any more
  refresh_token text NOT NULL, -- sealed; empty where there is none
  expires_at timestamptz,
  refresh_after timestamptz, -- when it is to be renewed, or looked at
  claimed_until timestamptz, -- until when somebody is at it: refresh tokens count once
  is_connected boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT connections_platform UNIQUE (user_id, platform),
  CHECK (is_connected = (access_token <> ''))
);
CREATE INDEX connections_subject ON connections (platform, subject);
CREATE INDEX connections_due ON connections (refresh_after) WHERE is_connected AND refresh_after IS NOT NULL;
CREATE INDEX connections_ends ON connections (expires_at) WHERE is_connected AND refresh_after IS NULL;

-- It is nobody's any more, so that it outlives the account that it was of.
CREATE TABLE connection_revocations (
  id uuid PRIMARY KEY,
  platform text NOT NULL CHECK (length(platform) <= 20),
  token text NOT NULL, -- sealed
  created_at timestamptz NOT NULL
);
CREATE INDEX connection_revocations_created ON connection_revocations (created_at);
