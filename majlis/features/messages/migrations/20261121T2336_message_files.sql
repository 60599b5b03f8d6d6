-- Which messages carry which files of their conversation. What is uploaded for everybody is in messages.files only.

CREATE TABLE message_files (
  message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
  file_id uuid NOT NULL REFERENCES attachments,
  PRIMARY KEY (message_id, file_id)
);
CREATE INDEX message_files_file ON message_files (file_id);

CREATE FUNCTION message_files_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM attachment_carried(NEW.file_id, 1);
  ELSE
    PERFORM attachment_carried(OLD.file_id, -1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER message_files_count AFTER INSERT OR DELETE ON message_files
  FOR EACH ROW EXECUTE FUNCTION message_files_count();

-- However a message is taken back, it carries nothing then.
CREATE FUNCTION messages_let_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM message_files WHERE message_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER messages_let_go AFTER UPDATE OF deleted_at ON messages FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND NEW.files <> '[]')
  EXECUTE FUNCTION messages_let_go();
