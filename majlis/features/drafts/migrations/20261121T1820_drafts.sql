-- Posts that are not published yet. What is in one is stored as the client gave it; a post is made of it later.

CREATE TABLE drafts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  body jsonb NOT NULL,
  publish_at timestamptz, -- when the server publishes it by itself
  failure jsonb, -- why it did not
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT failed_is_not_scheduled CHECK (failure IS NULL OR publish_at IS NULL)
);
CREATE INDEX drafts_user ON drafts (user_id, id DESC);
CREATE INDEX drafts_due ON drafts (publish_at) WHERE publish_at IS NOT NULL;
