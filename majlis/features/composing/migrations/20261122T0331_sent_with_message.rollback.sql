ALTER TABLE scheduled_messages DROP CONSTRAINT scheduled_messages_message_id_fkey,
  ADD CONSTRAINT scheduled_messages_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages ON DELETE SET NULL;
