-- Keys that sign tickets, and who came in with which.

CREATE TABLE admission_keys (
  id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{8}$'),
  private_key text NOT NULL, -- sealed
  public_key bytea NOT NULL CHECK (length(public_key) = 32),
  current boolean NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX admission_keys_current ON admission_keys (current) WHERE current;

CREATE TABLE check_ins (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
  nonce text NOT NULL CHECK (length(nonce) BETWEEN 8 AND 64),
  result text NOT NULL CHECK (result IN ('admitted', 'already_used', 'not_valid')),
  device text CHECK (length(device) <= 100),
  scanned_by uuid REFERENCES users ON DELETE SET NULL,
  scanned_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  CONSTRAINT check_ins_nonce UNIQUE (post_id, nonce)
);
-- A ticket lets one in.
CREATE UNIQUE INDEX check_ins_admitted ON check_ins (ticket_id) WHERE result = 'admitted';
CREATE INDEX check_ins_ticket ON check_ins (ticket_id);
CREATE INDEX check_ins_post ON check_ins (post_id, scanned_at DESC, id DESC) WHERE result = 'admitted';
CREATE INDEX check_ins_scanned_by ON check_ins (scanned_by);
