-- Messages that were read out of turn: beyond the place up to which their reader has read everything.

CREATE TABLE letter_reads (
  message_id uuid PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  shown boolean NOT NULL,  -- to who sent it
  read_at timestamptz NOT NULL
);
CREATE INDEX letter_reads_user ON letter_reads (user_id);
