-- Files of conversations: whose they are, where their bytes lie, how many messages carry them.

-- What shares a limit, such as a workspace, and how many bytes its files have.
CREATE TABLE attachment_spaces (
  id uuid PRIMARY KEY,
  used bigint NOT NULL CHECK (used >= 0)
);

CREATE TABLE attachments (
  id uuid PRIMARY KEY,
  conversation_id uuid REFERENCES conversations ON DELETE SET NULL, -- the row outlives it until the bytes are gone
  user_id uuid REFERENCES users ON DELETE SET NULL, -- likewise
  space_id uuid NOT NULL REFERENCES attachment_spaces,
  client_file_id text CHECK (length(client_file_id) <= 100),
  object text NOT NULL UNIQUE, -- the folder of its bytes and previews; nothing in it is a client's
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255), -- as the client had it, for people to read only
  size bigint NOT NULL CHECK (size >= 0),
  -- awaited: its bytes are to come; filling: they are being stored; stored; ready: may be carried by messages
  state text NOT NULL CHECK (state IN ('awaited', 'filling', 'stored', 'ready')),
  mime_type text NOT NULL DEFAULT 'application/octet-stream',
  kind text NOT NULL DEFAULT 'document' CHECK (kind IN ('image', 'video', 'audio', 'document')),
  sha256 text,
  width int,
  height int,
  previews int[] NOT NULL DEFAULT '{}', -- their names are these numbers
  attached int NOT NULL DEFAULT 0 CHECK (attached >= 0), -- messages that carry it
  kept_until timestamptz NOT NULL, -- as long as none does
  created_at timestamptz NOT NULL,
  removed_at timestamptz -- from here on nothing shows it; the row goes once its bytes are gone
);
CREATE UNIQUE INDEX attachments_client ON attachments (conversation_id, user_id, client_file_id)
  WHERE client_file_id IS NOT NULL AND removed_at IS NULL;
CREATE INDEX attachments_shown ON attachments (conversation_id, id) WHERE attached > 0 AND removed_at IS NULL;
CREATE INDEX attachments_conversation ON attachments (conversation_id);
CREATE INDEX attachments_user ON attachments (user_id);
CREATE INDEX attachments_space ON attachments (space_id);
CREATE INDEX attachments_loose ON attachments (kept_until) WHERE attached = 0 OR removed_at IS NOT NULL;

-- So many messages more carry it, or fewer. One that is going cannot be carried any more.
CREATE FUNCTION attachment_carried(attachment uuid, messages int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE attachments SET attached = attached + messages
  WHERE id = attachment AND (messages < 0 OR removed_at IS NULL AND state = 'ready');
  IF NOT FOUND AND messages > 0 THEN
    RAISE EXCEPTION 'there is no such file' USING ERRCODE = 'foreign_key_violation';
  END IF;
END $$;
