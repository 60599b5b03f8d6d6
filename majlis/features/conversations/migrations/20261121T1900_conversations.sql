-- Conversations and their logs. Each conversation has one gapless sequence, which is counted in its row
-- under its lock: a database sequence would hand out numbers out of the order of commits, and a reader who has seen 8
-- would never look for 7.

CREATE TABLE conversations (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('dm', 'group_dm', 'channel')),
  name text CHECK (length(name) <= 100),
  last_seq bigint NOT NULL DEFAULT 0,
  last_ts_us bigint NOT NULL DEFAULT 0, -- microseconds; grows even when the clock is set back
  min_seq bigint NOT NULL DEFAULT 1, -- the first entry of the log that is still kept
  created_at timestamptz NOT NULL,
  last_message_at timestamptz,
  archived_at timestamptz
) WITH (fillfactor = 85);

CREATE TABLE dm_pairs (
  low uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  high uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  conversation_id uuid NOT NULL UNIQUE REFERENCES conversations ON DELETE CASCADE,
  PRIMARY KEY (low, high),
  CHECK (low < high)
);
CREATE INDEX dm_pairs_high ON dm_pairs (high);

-- Two positions instead of a row for each message and reader. Whoever left has a left_seq: the last entry they see.
CREATE TABLE conversation_members (
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  joined_seq bigint NOT NULL DEFAULT 0, -- what came up to here is not shown
  left_seq bigint,
  last_read_seq bigint NOT NULL DEFAULT 0,
  delivered_seq bigint NOT NULL DEFAULT 0,
  joined_at timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 85);
CREATE INDEX conversation_members_user ON conversation_members (user_id);

-- When somebody had read up to where, for the first time: a row for each time they look, not for each message.
CREATE TABLE conversation_reads (
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL,
  read_at timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, user_id, seq)
);
CREATE INDEX conversation_reads_user ON conversation_reads (user_id);

-- The log of a conversation, from which whoever was away learns what happened. Entries outlive what they tell of.
CREATE TABLE conversation_events (
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  seq bigint NOT NULL,
  type text NOT NULL,
  message_id uuid,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, seq)
);
CREATE INDEX conversation_events_message ON conversation_events (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX conversation_events_created ON conversation_events (created_at);

-- The same of one person: what concerns all their devices and nobody else.
CREATE TABLE user_streams (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  last_seq bigint NOT NULL,
  min_seq bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 85);

CREATE TABLE user_events (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL,
  type text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, seq)
);
CREATE INDEX user_events_created ON user_events (created_at);

-- The entry of a new message. The caller holds the conversation's row and has taken its next seq and moment from it.
CREATE FUNCTION conversation_said(
  conversation uuid, entry bigint, moment_us bigint, moment timestamptz, message uuid, said jsonb, at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE conversations SET last_seq = entry, last_ts_us = moment_us, last_message_at = moment WHERE id = conversation;
  INSERT INTO conversation_events (conversation_id, seq, type, message_id, payload, created_at)
  VALUES (conversation, entry, 'message.created', message, said, at);
END $$;

-- What a deleted message said is in no log either.
CREATE FUNCTION conversation_unsaid(message uuid, message_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE conversation_events SET type = 'message.deleted',
    payload = jsonb_build_object('message_id', message, 'message_seq', message_seq)
  WHERE message_id = message AND type <> 'message.deleted';
END $$;

-- The moment of the latest message that is left.
CREATE FUNCTION conversation_latest(conversation uuid, moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE conversations SET last_message_at = moment WHERE id = conversation;
END $$;
