-- Words and links that are refused or held for moderators, and words that single people do not want to read.

CREATE TABLE filter_rules (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('word', 'link')),
  pattern text NOT NULL CHECK (length(pattern) BETWEEN 1 AND 200), -- as a moderator wrote it
  folded text NOT NULL, -- as it is compared: words with single spaces, or a host and the beginning of a path
  lookup text NOT NULL, -- the kind with the first word, or with the host: what a text is asked for
  action text NOT NULL CHECK (action IN ('refuse', 'hold')),
  note text CHECK (length(note) <= 500),
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT filter_rules_once UNIQUE (kind, folded)
);
CREATE INDEX filter_rules_lookup ON filter_rules (lookup);
CREATE INDEX filter_rules_recent ON filter_rules (created_at DESC, id DESC);
CREATE INDEX filter_rules_created_by ON filter_rules (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE muted_words (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  word text NOT NULL CHECK (length(word) BETWEEN 1 AND 100),
  folded text NOT NULL, -- as search takes it
  created_at timestamptz NOT NULL,
  CONSTRAINT muted_words_once UNIQUE (user_id, folded)
);
