-- What happened on each day, in UTC. A day is counted once, when it is over; the present one whenever somebody looks.

CREATE TABLE analytics_days (
  day date PRIMARY KEY,
  registered int NOT NULL CHECK (registered >= 0),
  active int NOT NULL CHECK (active >= 0),
  posts int NOT NULL CHECK (posts >= 0),
  comments int NOT NULL CHECK (comments >= 0),
  messages int NOT NULL CHECK (messages >= 0)
);
-- What was paid and not given back, and the platform's part of it, in minor units.
CREATE TABLE analytics_revenue (
  day date NOT NULL REFERENCES analytics_days ON DELETE CASCADE,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  turnover bigint NOT NULL,
  platform bigint NOT NULL,
  PRIMARY KEY (day, currency)
);
-- Whose sessions were used on a day, until it is counted; once for each session. Neither unique nor with a reference to
-- the person: who signs in must not wait here for somebody else, who may wait for what the first one holds. A day later
-- the rows are gone.
CREATE TABLE analytics_active (
  day date NOT NULL,
  user_id uuid NOT NULL
);
CREATE INDEX analytics_active_day ON analytics_active (day, user_id);

CREATE FUNCTION analytics_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO analytics_active (day, user_id) VALUES ((NEW.last_used_at AT TIME ZONE 'UTC')::date, NEW.user_id);
  RETURN NULL;
END $$;
CREATE TRIGGER analytics_opened AFTER INSERT ON user_sessions
  FOR EACH ROW EXECUTE FUNCTION analytics_seen();
CREATE TRIGGER analytics_used AFTER UPDATE OF last_used_at ON user_sessions FOR EACH ROW
  WHEN ((OLD.last_used_at AT TIME ZONE 'UTC')::date <> (NEW.last_used_at AT TIME ZONE 'UTC')::date)
  EXECUTE FUNCTION analytics_seen();

-- Of those who were here before, the last time is known.
INSERT INTO analytics_active (day, user_id)
SELECT DISTINCT (last_used_at AT TIME ZONE 'UTC')::date, user_id FROM user_sessions;
