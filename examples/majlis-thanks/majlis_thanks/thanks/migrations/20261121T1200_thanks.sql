-- Thanks of people.

CREATE TABLE thanks (
  id uuid PRIMARY KEY,
  from_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  to_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  words text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX thanks_mine ON thanks (to_id, id DESC);
CREATE INDEX thanks_given ON thanks (from_id);
