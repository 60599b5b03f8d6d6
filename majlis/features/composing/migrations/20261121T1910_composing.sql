-- What somebody has begun to write, per conversation and thread: place is the id of the thread's first message, or
-- that of the conversation.
CREATE TABLE message_drafts (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  place uuid NOT NULL,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  text text NOT NULL CHECK (length(text) BETWEEN 1 AND 40000),
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, place)
);
CREATE INDEX message_drafts_conversation ON message_drafts (conversation_id);

CREATE TABLE scheduled_messages (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  message jsonb NOT NULL,
  send_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'SENT', 'FAILED')),
  failure text, -- the code of what refused it
  message_id uuid REFERENCES messages ON DELETE SET NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX scheduled_messages_user ON scheduled_messages (user_id, send_at, id);
CREATE INDEX scheduled_messages_conversation ON scheduled_messages (conversation_id);
CREATE INDEX scheduled_messages_message ON scheduled_messages (message_id) WHERE message_id IS NOT NULL;
