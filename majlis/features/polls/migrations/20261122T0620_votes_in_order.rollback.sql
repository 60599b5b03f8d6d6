CREATE OR REPLACE FUNCTION user_polls_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE poll_options SET vote_count = greatest(0, vote_count - 1) WHERE id = OLD.poll_option_id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE poll_options SET vote_count = vote_count + 1 WHERE id = NEW.poll_option_id;
  END IF;
  RETURN NULL;
END $$;
