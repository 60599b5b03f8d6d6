-- Copies of what the server holds of a person, made when they ask. The file goes before the row.

CREATE TABLE exports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  object text NOT NULL, -- where the file is kept; nobody guesses it, as a bucket may be open to all
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'ready', 'failed', 'expired')),
  size bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  expires_at timestamptz,
  CONSTRAINT ready_has_a_file CHECK (state <> 'ready' OR (size IS NOT NULL AND expires_at IS NOT NULL))
);
CREATE INDEX exports_user ON exports (user_id, id DESC);
CREATE UNIQUE INDEX exports_under_way ON exports (user_id) WHERE state = 'queued';
CREATE INDEX exports_kept ON exports (state, created_at) WHERE state IN ('queued', 'ready');
