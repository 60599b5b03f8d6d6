-- Accounts of other companies that people sign in by, several per user, and what Apple gave us to keep.

CREATE TABLE user_identities (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  provider text NOT NULL CHECK (provider IN ('google', 'apple', 'facebook')),
  issuer text NOT NULL CHECK (length(issuer) <= 255),
  subject text NOT NULL CHECK (length(subject) <= 255),
  email text CHECK (length(email) <= 255), -- as the provider told it last
  -- Whether the provider vouched for the account's address, or the owner of the account linked this.
  vouched boolean NOT NULL,
  last_used_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT user_identities_subject UNIQUE (issuer, subject)
);
CREATE INDEX user_identities_user ON user_identities (user_id, created_at);

-- What lets us take back at Apple what somebody allowed one of our apps.
CREATE TABLE oauth_grants (
  client_id text NOT NULL CHECK (length(client_id) <= 255),
  subject text NOT NULL CHECK (length(subject) <= 255),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  refresh_token text NOT NULL, -- sealed
  retired_at timestamptz, -- since when it waits to be revoked
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, subject)
);
CREATE INDEX oauth_grants_user ON oauth_grants (user_id);
