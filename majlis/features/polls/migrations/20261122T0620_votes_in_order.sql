-- Both options of a vote that changes are held in one order: two people who swap theirs do not wait in a circle.
CREATE OR REPLACE FUNCTION user_polls_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM FROM poll_options WHERE id IN (OLD.poll_option_id, NEW.poll_option_id) ORDER BY id FOR NO KEY UPDATE;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    UPDATE poll_options SET vote_count = greatest(0, vote_count - 1) WHERE id = OLD.poll_option_id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE poll_options SET vote_count = vote_count + 1 WHERE id = NEW.poll_option_id;
  END IF;
  RETURN NULL;
END $$;
