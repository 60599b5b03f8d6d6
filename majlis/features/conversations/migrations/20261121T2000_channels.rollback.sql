DROP FUNCTION conversation_forget(uuid[]);
DROP FUNCTION conversation_archive(uuid, timestamptz);
DROP FUNCTION conversation_part(uuid, uuid[], bigint);
DROP FUNCTION conversation_join_channel(uuid, uuid[], timestamptz);
DROP FUNCTION conversation_open_channel(uuid, timestamptz);
