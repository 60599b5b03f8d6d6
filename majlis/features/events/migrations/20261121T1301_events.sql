-- Who comes to which event, and who was reminded of it.

CREATE TABLE event_interests (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  event_state text NOT NULL CHECK (event_state IN ('interested', 'going', 'not_interested')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT one_stance UNIQUE (user_id, post_id)
);
CREATE INDEX event_interests_post ON event_interests (post_id, event_state, updated_at DESC, id DESC);

CREATE FUNCTION event_interests_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  stance event_interests;
  interested int := 0;
  going int := 0;
BEGIN
  IF TG_OP <> 'DELETE' THEN
    stance := NEW;
    interested := (NEW.event_state = 'interested')::int;
    going := (NEW.event_state = 'going')::int;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    stance := OLD;
    interested := interested - (OLD.event_state = 'interested')::int;
    going := going - (OLD.event_state = 'going')::int;
  END IF;
  IF interested <> 0 OR going <> 0 THEN
    PERFORM event_count(stance.post_id, interested, going);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER event_interests_count AFTER INSERT OR DELETE OR UPDATE OF event_state ON event_interests
  FOR EACH ROW EXECUTE FUNCTION event_interests_count();

-- The time is a part of the key: an event that is moved is worth another reminder.
CREATE TABLE event_reminders (
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  hours int NOT NULL,
  starts_at timestamptz NOT NULL,
  PRIMARY KEY (post_id, user_id, hours, starts_at)
);
CREATE INDEX event_reminders_user ON event_reminders (user_id);
CREATE INDEX event_reminders_old ON event_reminders (starts_at);
