-- Counters of people who come to events, and lists of events and goods in their own order.

-- Moves the counters of an event; they never drop below 0.
CREATE FUNCTION event_count(post uuid, interested int, going int) RETURNS void LANGUAGE sql AS $$
  UPDATE posts SET
    interested_count = greatest(0, interested_count + interested),
    going_count = greatest(0, going_count + going)
  WHERE id = post
$$;

-- When an event begins and is over, on the clocks of its place: the whole day where no time is given.
CREATE FUNCTION event_starts(first date, at time) RETURNS timestamp LANGUAGE sql IMMUTABLE
  RETURN first + coalesce(at, '00:00'::time);
CREATE FUNCTION event_ends(first date, last date, at time) RETURNS timestamp LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN at IS NULL THEN coalesce(last, first) + 1 + '00:00'::time ELSE coalesce(last, first) + at END;

CREATE INDEX posts_event_starts ON posts (event_starts(start_date, start_time), id)
  WHERE deleted_at IS NULL AND start_date IS NOT NULL;
CREATE INDEX posts_event_ends ON posts (event_ends(start_date, end_date, end_time))
  WHERE deleted_at IS NULL AND start_date IS NOT NULL;
CREATE INDEX posts_price ON posts (coalesce(price, 0), id) WHERE deleted_at IS NULL AND type = 'SELL';

-- A category of goods by the hands of an operator: a new one, or another version of an old one. No row when
-- another category has that name.
CREATE FUNCTION sell_category_put(category uuid, title text, picture jsonb, colour text, state text)
RETURNS SETOF sell_categories LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY INSERT INTO sell_categories (id, name, icon, color, status)
    VALUES (category, title, picture, colour, state)
    ON CONFLICT (id) DO UPDATE SET name = title, icon = picture, color = colour, status = state
    RETURNING *;
EXCEPTION WHEN unique_violation THEN
  RETURN;
END $$;
