-- Who waits for tickets. The counters of the box office leave room for those who do.

CREATE TABLE waitlist_entries (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  type_id uuid NOT NULL REFERENCES ticket_types ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 10),
  status text NOT NULL CHECK (status IN ('waiting', 'offered', 'accepted', 'expired', 'left')),
  event_ends timestamptz NOT NULL,
  offer_expires_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT waitlist_offer CHECK ((status = 'offered') = (offer_expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX waitlist_once ON waitlist_entries (type_id, user_id) WHERE status IN ('waiting', 'offered');
CREATE INDEX waitlist_line ON waitlist_entries (post_id, id) WHERE status = 'waiting';
CREATE INDEX waitlist_offers ON waitlist_entries (offer_expires_at) WHERE status = 'offered';
CREATE INDEX waitlist_user ON waitlist_entries (user_id, id DESC);
CREATE INDEX waitlist_type ON waitlist_entries (type_id);
CREATE INDEX waitlist_post ON waitlist_entries (post_id);

CREATE FUNCTION waitlist_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entry waitlist_entries;
  more int := 0;
  kept int := 0;
BEGIN
  IF TG_OP <> 'DELETE' THEN
    entry := NEW;
    more := CASE WHEN NEW.status = 'waiting' THEN NEW.quantity ELSE 0 END;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    entry := OLD;
    more := more - CASE WHEN OLD.status = 'waiting' THEN OLD.quantity ELSE 0 END;
  END IF;
  IF TG_OP = 'DELETE' AND OLD.status = 'offered' THEN
    kept := -OLD.quantity; -- an erased account buys nothing
  END IF;
  IF more <> 0 OR kept <> 0 THEN
    PERFORM box_office_wait(entry.post_id, entry.type_id, more, kept);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER waitlist_count AFTER INSERT OR DELETE OR UPDATE OF status ON waitlist_entries
  FOR EACH ROW EXECUTE FUNCTION waitlist_count();
