-- Events that take place again and again.

CREATE TABLE event_series (
  id uuid PRIMARY KEY,
  host_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  rrule text NOT NULL CHECK (length(rrule) BETWEEN 1 AND 300),
  created_at timestamptz NOT NULL
);
CREATE INDEX event_series_host ON event_series (host_id);

CREATE TABLE series_events (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  series_id uuid NOT NULL REFERENCES event_series ON DELETE CASCADE,
  position int NOT NULL,
  UNIQUE (series_id, position)
);
