-- What people are told of messages of a conversation goes with these: it names who wrote, also the bots of webhooks.
-- Returns who had been told. Locked in order, as others who delete several do.
CREATE FUNCTION notifications_expire(conversation uuid) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY DELETE FROM notifications d WHERE d.id IN (
    SELECT n.id FROM conversation_members r
    JOIN notifications n ON n.user_id = r.user_id AND n.subject_id = conversation AND n.type IN ('MESSAGE', 'MENTION')
      AND n.group_key = ANY (ARRAY[md5('MESSAGE' || conversation::text)::uuid, md5('MENTION' || conversation::text)::uuid])
    LEFT JOIN messages m ON m.id = n.target_id AND m.deleted_at IS NULL
    WHERE r.conversation_id = conversation AND m.id IS NULL
    ORDER BY n.id FOR UPDATE OF n)
  RETURNING d.user_id;
END $$;
