-- Invitations into workspaces. Of the token only its hash is kept; one by e-mail has none until it is mailed.

CREATE TABLE workspace_invites (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  inviter_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('link', 'email')),
  email text CHECK (length(email) <= 255),
  role text NOT NULL CHECK (role IN ('member', 'guest')),
  channel_ids uuid[] NOT NULL DEFAULT '{}',
  token_hash bytea UNIQUE, -- SHA-256
  max_uses int CHECK (max_uses >= 1),
  uses int NOT NULL DEFAULT 0 CHECK (uses >= 0),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL,
  resent_on date,
  resent_count int NOT NULL DEFAULT 0 CHECK (resent_count >= 0),
  CHECK ((kind = 'email') = (email IS NOT NULL)),
  CHECK (max_uses IS NULL OR uses <= max_uses)
);
CREATE INDEX workspace_invites_workspace ON workspace_invites (workspace_id, created_at, id);
CREATE INDEX workspace_invites_inviter ON workspace_invites (inviter_id);

-- Who came by which invitation: nobody twice.
CREATE TABLE workspace_invite_uses (
  invite_id uuid NOT NULL REFERENCES workspace_invites ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (invite_id, user_id)
);
CREATE INDEX workspace_invite_uses_user ON workspace_invite_uses (user_id);
