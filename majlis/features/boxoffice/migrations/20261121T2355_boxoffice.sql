-- What events sell. Both rows that a ticket takes a place in count what is reserved and sold, and refuse more than fits.

CREATE TABLE box_offices (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  capacity int CHECK (capacity >= 0), -- null: as many as come
  held int NOT NULL DEFAULT 0,
  sold int NOT NULL DEFAULT 0,
  waiting int NOT NULL DEFAULT 0, -- places that people wait for, all types
  refundable boolean NOT NULL,
  cancelled_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT box_offices_capacity CHECK (held + sold <= capacity),
  CONSTRAINT box_offices_held CHECK (held >= 0),
  CONSTRAINT box_offices_sold CHECK (sold >= 0),
  CONSTRAINT box_offices_waiting CHECK (waiting >= 0)
);

CREATE TABLE ticket_types (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  description text CHECK (length(description) <= 1000),
  kind text NOT NULL CHECK (kind IN ('free', 'paid', 'donation')),
  price bigint NOT NULL, -- minor units; of a donation the least
  capacity int CHECK (capacity >= 0),
  held int NOT NULL DEFAULT 0,
  sold int NOT NULL DEFAULT 0,
  waiting int NOT NULL DEFAULT 0,
  per_buyer int CHECK (per_buyer > 0),
  sale_starts timestamptz,
  sale_ends timestamptz,
  access_code text CHECK (length(access_code) BETWEEN 1 AND 50),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT ticket_types_price CHECK (price >= 0 AND (kind = 'donation' OR (kind = 'free') = (price = 0))),
  CONSTRAINT ticket_types_capacity CHECK (held + sold <= capacity),
  CONSTRAINT ticket_types_held CHECK (held >= 0),
  CONSTRAINT ticket_types_sold CHECK (sold >= 0),
  CONSTRAINT ticket_types_waiting CHECK (waiting >= 0)
);
CREATE INDEX ticket_types_post ON ticket_types (post_id, id);

-- For the waiting list above: so many more wait, and so many more are kept for them.
CREATE FUNCTION box_office_wait(post uuid, type uuid, more_waiting int, more_held int) RETURNS void LANGUAGE sql AS $$
  UPDATE box_offices SET waiting = waiting + more_waiting, held = held + more_held WHERE post_id = post;
  UPDATE ticket_types SET waiting = waiting + more_waiting, held = held + more_held WHERE id = type;
$$;
