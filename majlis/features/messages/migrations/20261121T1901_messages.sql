-- What is said in conversations. A message keeps the seq of the entry that told of it first: its place in history.

CREATE TABLE messages (
  id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  sender_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL,
  ts_us bigint NOT NULL,
  client_msg_id text NOT NULL CHECK (length(client_msg_id) BETWEEN 1 AND 100),
  body_hash bytea NOT NULL, -- of what was first sent under the key
  type text NOT NULL CHECK (length(type) <= 40),
  text text NOT NULL CHECK (length(text) <= 40000),
  files jsonb NOT NULL DEFAULT '[]',
  data jsonb,
  thread_root_id uuid REFERENCES messages ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  edited_at timestamptz,
  deleted_at timestamptz,
  UNIQUE (conversation_id, seq),
  UNIQUE (conversation_id, sender_id, client_msg_id)
);
CREATE INDEX messages_sender ON messages (sender_id);
CREATE INDEX messages_thread ON messages (thread_root_id, seq) WHERE thread_root_id IS NOT NULL;

CREATE TABLE message_edits (
  message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
  seq bigint NOT NULL, -- the entry of the log that tells of it
  text text NOT NULL, -- before it
  edited_at timestamptz NOT NULL,
  PRIMARY KEY (message_id, seq)
);

CREATE TABLE message_reactions (
  message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
  emoji text NOT NULL CHECK (length(emoji) BETWEEN 1 AND 64),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL, -- the entry of the log that tells of it; also their order
  PRIMARY KEY (message_id, emoji, user_id)
);
CREATE INDEX message_reactions_user ON message_reactions (user_id);

CREATE TABLE message_pins (
  message_id uuid PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL
);
CREATE INDEX message_pins_conversation ON message_pins (conversation_id, seq);
CREATE INDEX message_pins_user ON message_pins (user_id);

-- However a message goes.
CREATE FUNCTION messages_unsay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM conversation_unsaid(OLD.id, OLD.seq);
  RETURN NULL;
END $$;
CREATE TRIGGER messages_unsay AFTER UPDATE OF deleted_at ON messages
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL) EXECUTE FUNCTION messages_unsay();
CREATE TRIGGER messages_unsay_for_good AFTER DELETE ON messages
  FOR EACH ROW EXECUTE FUNCTION messages_unsay();
