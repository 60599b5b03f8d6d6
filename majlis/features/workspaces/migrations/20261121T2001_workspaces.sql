-- Workspaces and who belongs to them in which role.

CREATE TABLE workspaces (
  id uuid PRIMARY KEY,
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  description text CHECK (length(description) <= 1000),
  icon jsonb,
  owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  who_can_create_channels text NOT NULL DEFAULT 'members'
    CHECK (who_can_create_channels IN ('everyone', 'members', 'admins')),
  who_can_invite text NOT NULL DEFAULT 'members' CHECK (who_can_invite IN ('everyone', 'members', 'admins')),
  who_can_mention_all text NOT NULL DEFAULT 'members'
    CHECK (who_can_mention_all IN ('everyone', 'members', 'admins')),
  edit_window_s int CHECK (edit_window_s >= 0), -- null: for ever
  retention_days int CHECK (retention_days >= 1), -- null: for ever
  allow_guests boolean NOT NULL DEFAULT true,
  member_count int NOT NULL DEFAULT 0 CHECK (member_count >= 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  purge_after timestamptz
) WITH (fillfactor = 85);
-- Deleted ones keep theirs until they are purged, so that links do not lead into somebody else's.
CREATE UNIQUE INDEX workspaces_slug ON workspaces (slug);
CREATE INDEX workspaces_owner ON workspaces (owner_id);
CREATE INDEX workspaces_purge ON workspaces (purge_after) WHERE deleted_at IS NOT NULL;

CREATE TABLE workspace_members (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
  username text NOT NULL CHECK (length(username) BETWEEN 1 AND 40), -- what mentions say
  display_name text CHECK (length(display_name) BETWEEN 1 AND 80), -- instead of the profile's name
  title text CHECK (length(title) <= 100),
  joined_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, user_id),
  UNIQUE (workspace_id, username)
);
CREATE INDEX workspace_members_user ON workspace_members (user_id);
CREATE UNIQUE INDEX workspace_members_owner ON workspace_members (workspace_id) WHERE role = 'owner';

CREATE FUNCTION workspace_members_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE workspaces SET member_count = member_count + 1 WHERE id = NEW.workspace_id;
  ELSE
    UPDATE workspaces SET member_count = greatest(0, member_count - 1) WHERE id = OLD.workspace_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER workspace_members_count AFTER INSERT OR DELETE ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION workspace_members_count();
