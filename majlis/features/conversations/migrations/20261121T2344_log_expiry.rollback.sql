DROP FUNCTION conversation_expire(uuid, bigint, timestamptz);
