-- Who speaks in a workspace where no human does: one account for each, whatever name it speaks under. It goes, with
-- all that it said, when the workspace is purged.

CREATE TABLE workspace_bots (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
  user_id uuid NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE
);

CREATE FUNCTION workspace_bots_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM close_bot(OLD.user_id);
  RETURN NULL;
END $$;
CREATE TRIGGER workspace_bots_close AFTER DELETE ON workspace_bots
  FOR EACH ROW EXECUTE FUNCTION workspace_bots_close();
