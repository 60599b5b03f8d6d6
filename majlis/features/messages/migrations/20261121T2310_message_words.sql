-- The words of messages, for searching; as the expression in archive/store.py has it.

CREATE INDEX messages_words ON messages USING gin (to_tsvector('simple', search_text(text)))
  WHERE deleted_at IS NULL;
