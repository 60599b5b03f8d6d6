-- Failed sign-ins per address that was tried and place it was tried from: so nobody can lock out somebody else,
-- and an address that nobody has registered locks like any other and gives nothing away.

DROP TABLE login_failures;

CREATE TABLE login_failures (
  account bytea NOT NULL, -- SHA-256 of the address in lower case
  ip text NOT NULL,
  failed_login_attempts int NOT NULL DEFAULT 0,
  locked_until timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, ip)
);
CREATE INDEX login_failures_updated_at ON login_failures (updated_at);
