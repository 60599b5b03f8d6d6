DROP FUNCTION close_bot(uuid);
DROP FUNCTION open_bot(uuid, timestamptz);
