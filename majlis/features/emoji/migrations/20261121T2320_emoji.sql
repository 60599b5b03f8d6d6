-- Emoji of a workspace's own: a picture, or another name of one.

CREATE TABLE workspace_emoji (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name text NOT NULL CHECK (name ~ '^[a-z0-9_-]{1,64}$'),
  photo jsonb,
  alias_of text CHECK (alias_of <> name), -- of one that is no alias itself
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, name),
  FOREIGN KEY (workspace_id, alias_of) REFERENCES workspace_emoji ON DELETE CASCADE,
  CHECK ((photo IS NULL) = (alias_of IS NOT NULL))
);
CREATE INDEX workspace_emoji_alias ON workspace_emoji (workspace_id, alias_of) WHERE alias_of IS NOT NULL;
CREATE INDEX workspace_emoji_creator ON workspace_emoji (created_by) WHERE created_by IS NOT NULL;
