-- Incoming webhooks. Each speaks for who made it, and ends with their place in the workspace.

CREATE TABLE incoming_webhooks (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
  created_by uuid NOT NULL,
  display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 80),
  icon_url text CHECK (length(icon_url) <= 2000),
  secret_hash bytea NOT NULL, -- SHA-256
  created_at timestamptz NOT NULL,
  FOREIGN KEY (workspace_id, created_by) REFERENCES workspace_members ON DELETE CASCADE
);
CREATE INDEX incoming_webhooks_workspace ON incoming_webhooks (workspace_id, id);
CREATE INDEX incoming_webhooks_channel ON incoming_webhooks (channel_id);
CREATE INDEX incoming_webhooks_creator ON incoming_webhooks (workspace_id, created_by);
