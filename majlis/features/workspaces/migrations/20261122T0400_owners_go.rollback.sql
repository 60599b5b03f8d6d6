DELETE FROM workspaces WHERE owner_id IS NULL;
ALTER TABLE workspaces DROP CONSTRAINT workspaces_owned,
  DROP CONSTRAINT workspaces_owner_id_fkey,
  ADD CONSTRAINT workspaces_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users ON DELETE CASCADE,
  ALTER owner_id SET NOT NULL;
