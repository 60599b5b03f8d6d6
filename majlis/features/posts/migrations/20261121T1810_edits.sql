-- What a post said before each change by its author. A row falls with its post, and so with whoever wrote it.

CREATE TABLE post_edits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of the edits: the post's row is locked meanwhile
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  user_id uuid NOT NULL, -- who made the change
  edited_at timestamptz NOT NULL,
  before jsonb NOT NULL, -- the fields that changed, as they were
  visibility varchar(10) NOT NULL, -- who could see it then
  status boolean NOT NULL
);
CREATE INDEX post_edits_post ON post_edits (post_id, id DESC);

CREATE FUNCTION posts_edited() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before jsonb;
BEGIN
  SELECT jsonb_object_agg(o.key, o.value) INTO before
  FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n ON n.key = o.key
  WHERE o.value <> n.value AND o.key = ANY (ARRAY[
    'title', 'description', 'category_id', 'currency', 'price', 'discount', 'free', 'country_code', 'contact_no',
    'start_date', 'start_time', 'end_date', 'end_time', 'expired_at']);
  IF before IS NOT NULL THEN
    INSERT INTO post_edits (post_id, user_id, edited_at, before, visibility, status)
    VALUES (OLD.id, OLD.user_id, NEW.updated_at, before, OLD.visibility, OLD.status);
  END IF;
  RETURN NULL;
END $$;
-- An author's change sets every field, the title among them; counters, hiding and references that end do not.
CREATE TRIGGER posts_edited AFTER UPDATE OF title ON posts FOR EACH ROW EXECUTE FUNCTION posts_edited();
