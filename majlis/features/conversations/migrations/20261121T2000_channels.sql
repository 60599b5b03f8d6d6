-- What features above need for channels: they decide who comes in and who goes, and hold the conversation meanwhile.
-- Whoever comes into a channel may read all that was said there before; nothing of it counts as unread.

CREATE FUNCTION conversation_open_channel(conversation uuid, moment timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO conversations (id, kind, created_at) VALUES (conversation, 'channel', moment)
$$;

-- Those of these people who were not there.
CREATE FUNCTION conversation_join_channel(conversation uuid, people uuid[], moment timestamptz)
RETURNS SETOF uuid LANGUAGE sql AS $$
  INSERT INTO conversation_members (conversation_id, user_id, joined_seq, last_read_seq, delivered_seq, joined_at)
  SELECT c.id, person, 0, c.last_seq, c.last_seq, moment
  FROM conversations c, unnest(people) AS person WHERE c.id = conversation ORDER BY person
  ON CONFLICT (conversation_id, user_id) DO UPDATE SET left_seq = NULL, joined_seq = 0,
    joined_at = excluded.joined_at, last_read_seq = excluded.last_read_seq, delivered_seq = excluded.delivered_seq
  WHERE conversation_members.left_seq IS NOT NULL
  RETURNING user_id
$$;

-- `entry` is the last that they see.
CREATE FUNCTION conversation_part(conversation uuid, people uuid[], entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE conversation_members SET left_seq = entry
  WHERE conversation_id = conversation AND user_id = ANY (people) AND left_seq IS NULL
$$;

-- Null opens it again.
CREATE FUNCTION conversation_archive(conversation uuid, moment timestamptz) RETURNS void LANGUAGE sql AS $$
  UPDATE conversations SET archived_at = moment WHERE id = conversation
$$;

CREATE FUNCTION conversation_forget(conversation uuid[]) RETURNS void LANGUAGE sql AS $$
  DELETE FROM conversations WHERE id = ANY (conversation)
$$;
