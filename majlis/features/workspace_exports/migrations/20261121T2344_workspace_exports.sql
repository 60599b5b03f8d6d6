-- Zips of what was said in a workspace. Rows outlive it until their files are cleared away.

CREATE TABLE workspace_exports (
  id uuid PRIMARY KEY,
  workspace_id uuid REFERENCES workspaces ON DELETE SET NULL,
  requested_by uuid REFERENCES users ON DELETE SET NULL,
  scope text NOT NULL CHECK (scope IN ('public', 'all')),
  since timestamptz,
  before timestamptz,
  include_files boolean NOT NULL,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
  object text NOT NULL UNIQUE,
  size bigint CHECK (size >= 0),
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  expires_at timestamptz
);
-- One at a time.
CREATE UNIQUE INDEX workspace_exports_under_way ON workspace_exports (workspace_id)
  WHERE status IN ('queued', 'running');
CREATE INDEX workspace_exports_workspace ON workspace_exports (workspace_id, id);
CREATE INDEX workspace_exports_requester ON workspace_exports (requested_by);
