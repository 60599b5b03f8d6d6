-- Some of the messages of a conversation that are older than this, for good: what they said, what was said of them,
-- and their entries in the log. A root goes with the last reply to it, and says nothing until then. The caller holds
-- the conversation.

CREATE TYPE messages_expired AS (
  gone bigint, -- that went or were emptied; none: nothing is left to do
  upto bigint, -- the place of the latest of them
  urls text[] -- of uploads that they carried
);

CREATE FUNCTION messages_expire(conversation uuid, before timestamptz, most int, now timestamptz)
RETURNS messages_expired LANGUAGE plpgsql AS $$
DECLARE
  chosen uuid[];
  emptied uuid[];
  young bigint; -- the first that stays: moments grow with places, so nothing behind it is looked at
  result messages_expired;
BEGIN
  SELECT m.seq INTO young FROM messages m WHERE m.conversation_id = conversation AND m.created_at >= before
  ORDER BY m.seq LIMIT 1;
  SELECT array_agg(id), array_agg(id) FILTER (WHERE answered) INTO chosen, emptied FROM (
    SELECT m.id, a.answered FROM messages m CROSS JOIN LATERAL (
      SELECT coalesce((SELECT true FROM messages r WHERE r.thread_root_id = m.id LIMIT 1), false) AS answered) a
    WHERE m.conversation_id = conversation AND m.created_at < before AND m.seq < coalesce(young, 9223372036854775807)
      AND NOT (a.answered AND m.deleted_at IS NOT NULL AND m.text = '' AND m.files = '[]' AND m.data IS NULL)
    ORDER BY m.seq LIMIT most) old;
  SELECT coalesce(array_length(chosen, 1), 0), max(m.seq), coalesce((SELECT array_agg(f ->> 'url') FILTER (WHERE f ? 'url')
      FROM messages x CROSS JOIN LATERAL jsonb_array_elements(x.files) AS f
      WHERE x.id = ANY (chosen) AND x.deleted_at IS NULL), '{}')
    INTO result FROM messages m WHERE m.id = ANY (chosen);
  IF result.gone > 0 THEN
    PERFORM conversation_expire(conversation, result.upto,
      (SELECT m.created_at FROM messages m WHERE m.conversation_id = conversation AND m.deleted_at IS NULL
        AND NOT m.id = ANY (chosen) ORDER BY m.seq DESC LIMIT 1));
    DELETE FROM message_files WHERE message_id = ANY (emptied);
    DELETE FROM message_edits WHERE message_id = ANY (emptied);
    DELETE FROM message_reactions WHERE message_id = ANY (emptied);
    DELETE FROM message_pins WHERE message_id = ANY (emptied);
    UPDATE messages SET text = '', files = '[]', data = NULL, edited_at = NULL, deleted_at = coalesce(deleted_at, now)
    WHERE id = ANY (emptied);
    DELETE FROM messages WHERE id = ANY (chosen) AND NOT id = ANY (coalesce(emptied, '{}'));
  END IF;
  RETURN result;
END $$;
