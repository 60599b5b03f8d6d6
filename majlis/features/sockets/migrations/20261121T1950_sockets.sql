-- Worth nothing after a crash, as no socket outlives one: so neither is written to the log.

CREATE UNLOGGED TABLE socket_tickets (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES user_sessions ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  aal smallint NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX socket_tickets_session ON socket_tickets (session_id);
CREATE INDEX socket_tickets_user ON socket_tickets (user_id);
CREATE INDEX socket_tickets_expires ON socket_tickets (expires_at);

-- One row for each serving process that somebody is connected to. It counts until expires_at: a process that dies
-- takes nothing back.
CREATE UNLOGGED TABLE socket_presence (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  node uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'idle')),
  last_active_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, node)
) WITH (fillfactor = 70);
CREATE INDEX socket_presence_node ON socket_presence (node);
