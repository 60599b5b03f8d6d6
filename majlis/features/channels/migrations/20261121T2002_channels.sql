-- The rooms of workspaces. Their members, messages and log are those of the conversation with the same id.

CREATE TABLE channels (
  id uuid PRIMARY KEY REFERENCES conversations ON DELETE CASCADE,
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80 AND name = lower(name) AND name !~ '\s'),
  topic text CHECK (length(topic) <= 250),
  purpose text CHECK (length(purpose) <= 1000),
  is_private boolean NOT NULL DEFAULT false,
  is_default boolean NOT NULL DEFAULT false, -- everybody but guests is in it
  posting_policy text NOT NULL DEFAULT 'everyone' CHECK (posting_policy IN ('everyone', 'moderators')),
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (workspace_id, name)
);
CREATE UNIQUE INDEX channels_default ON channels (workspace_id) WHERE is_default;
CREATE INDEX channels_creator ON channels (created_by) WHERE created_by IS NOT NULL;

-- How somebody wants to hear of a channel; no row for who left it as it was.
CREATE TABLE channel_preferences (
  channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  notify text NOT NULL DEFAULT 'default' CHECK (notify IN ('all', 'mentions', 'none', 'default')),
  muted_until timestamptz,
  starred boolean NOT NULL DEFAULT false,
  PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_preferences_user ON channel_preferences (user_id);

-- Whom a message mentions: one person, or everybody in the channel (without user_id).
CREATE TABLE channel_mentions (
  id uuid PRIMARY KEY,
  message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
  channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
  seq bigint NOT NULL, -- of the message
  kind text NOT NULL CHECK (kind IN ('user', 'channel', 'here')),
  user_id uuid REFERENCES users ON DELETE CASCADE,
  CHECK ((kind = 'user') = (user_id IS NOT NULL))
);
CREATE INDEX channel_mentions_message ON channel_mentions (message_id);
CREATE INDEX channel_mentions_channel ON channel_mentions (channel_id, seq);
CREATE INDEX channel_mentions_user ON channel_mentions (user_id, seq) WHERE user_id IS NOT NULL;
