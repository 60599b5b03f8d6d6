-- What was scheduled and sent says the same as the message, and goes with it.
DELETE FROM scheduled_messages WHERE state = 'SENT' AND message_id IS NULL;
ALTER TABLE scheduled_messages DROP CONSTRAINT scheduled_messages_message_id_fkey,
  ADD CONSTRAINT scheduled_messages_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages ON DELETE CASCADE;
