DROP TABLE login_failures;

CREATE TABLE login_failures (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  ip text NOT NULL,
  failed_login_attempts int NOT NULL DEFAULT 0,
  locked_until timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, ip)
);
CREATE INDEX login_failures_updated_at ON login_failures (updated_at);
