-- What people say of themselves. No row for who never did; what is over counts as not said.

CREATE TABLE availability (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  presence text NOT NULL DEFAULT 'auto' CHECK (presence IN ('auto', 'away', 'dnd')),
  until timestamptz,
  emoji text CHECK (length(emoji) <= 64),
  text text CHECK (length(text) <= 100),
  expires_at timestamptz,
  updated_at timestamptz NOT NULL
);
