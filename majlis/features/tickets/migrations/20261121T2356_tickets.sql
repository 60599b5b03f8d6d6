-- Tickets that people hold, and handing them on.

CREATE TABLE tickets (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  type_id uuid NOT NULL REFERENCES ticket_types ON DELETE CASCADE,
  order_id uuid NOT NULL,
  buyer_id uuid REFERENCES users ON DELETE SET NULL,
  holder_id uuid REFERENCES users ON DELETE SET NULL,
  code text NOT NULL,
  serial int NOT NULL DEFAULT 1 CHECK (serial > 0), -- grows with each holder: what the one before shows is over
  price bigint NOT NULL,
  paid bigint NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status text NOT NULL CHECK (status IN ('reserved', 'paid', 'used', 'cancelled', 'refunded')),
  used_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT tickets_code UNIQUE (code),
  CONSTRAINT tickets_paid CHECK (paid BETWEEN 0 AND price),
  CONSTRAINT tickets_used CHECK ((status = 'used') = (used_at IS NOT NULL))
);
CREATE INDEX tickets_holder ON tickets (holder_id, id DESC);
CREATE INDEX tickets_buyer ON tickets (buyer_id, type_id);
CREATE INDEX tickets_post ON tickets (post_id, id);
CREATE INDEX tickets_order ON tickets (order_id);
CREATE INDEX tickets_type ON tickets (type_id);

CREATE TABLE ticket_transfers (
  id uuid PRIMARY KEY,
  ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
  from_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  to_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status text NOT NULL CHECK (status IN ('open', 'accepted', 'declined', 'withdrawn')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK (from_id <> to_id)
);
CREATE UNIQUE INDEX ticket_transfers_open ON ticket_transfers (ticket_id) WHERE status = 'open';
CREATE INDEX ticket_transfers_ticket ON ticket_transfers (ticket_id);
CREATE INDEX ticket_transfers_from ON ticket_transfers (from_id, id DESC);
CREATE INDEX ticket_transfers_to ON ticket_transfers (to_id, id DESC);
