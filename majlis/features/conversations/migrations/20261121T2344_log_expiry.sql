-- The log up to here goes, and begins behind it: whoever comes from before finds a gap and fetches anew. The caller
-- holds the conversation. `moment` is that of the latest message that is left.

CREATE FUNCTION conversation_expire(conversation uuid, entry bigint, moment timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM conversation_events WHERE conversation_id = conversation AND seq <= entry;
  UPDATE conversations SET min_seq = greatest(min_seq, entry + 1), last_message_at = moment WHERE id = conversation;
END $$;
