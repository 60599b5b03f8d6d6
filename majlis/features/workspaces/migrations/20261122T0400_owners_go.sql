-- A workspace outlives its owner: it is handed on before an account is erased. One that is deleted keeps no owner who is
-- not there any more; one that is in use cannot lose its owner, and the erasure fails instead.
ALTER TABLE workspaces ALTER owner_id DROP NOT NULL,
  DROP CONSTRAINT workspaces_owner_id_fkey,
  ADD CONSTRAINT workspaces_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users ON DELETE SET NULL NOT VALID,
  ADD CONSTRAINT workspaces_owned CHECK (owner_id IS NOT NULL OR deleted_at IS NOT NULL) NOT VALID;
ALTER TABLE workspaces VALIDATE CONSTRAINT workspaces_owner_id_fkey;
ALTER TABLE workspaces VALIDATE CONSTRAINT workspaces_owned;
