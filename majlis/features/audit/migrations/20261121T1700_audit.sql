-- Who decided what about whom, and why. Nothing refers to other tables: entries outlive the accounts they name.

CREATE TABLE audit_entries (
  id uuid PRIMARY KEY,
  actor_id uuid, -- null: the server itself, or an operator at the command line
  actor_role text NOT NULL CHECK (actor_role IN ('user', 'moderator', 'admin', 'system')),
  session_id uuid,
  ip text CHECK (length(ip) <= 64),
  action text NOT NULL CHECK (length(action) BETWEEN 1 AND 50),
  kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
  target_id uuid,
  person_id uuid,
  case_id uuid,
  reason text NOT NULL,
  data jsonb,
  created_at timestamptz NOT NULL
);
CREATE INDEX audit_entries_recent ON audit_entries (created_at DESC, id DESC);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, created_at DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_target ON audit_entries (target_id, created_at DESC) WHERE target_id IS NOT NULL;
CREATE INDEX audit_entries_person ON audit_entries (person_id, created_at DESC) WHERE person_id IS NOT NULL;

CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit entries are only ever added' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_stay();
