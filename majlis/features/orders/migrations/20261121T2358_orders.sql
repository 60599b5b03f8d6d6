-- Orders. Money outlives events and accounts: nothing here falls with them.

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL,
  seller_id uuid NOT NULL,
  buyer_id uuid REFERENCES users ON DELETE SET NULL,
  lines jsonb NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  subtotal bigint NOT NULL,
  discount bigint NOT NULL,
  total bigint NOT NULL,
  discount_code text,
  status text NOT NULL CHECK (status IN ('reserved', 'paid', 'expired', 'cancelled', 'refunded')),
  expires_at timestamptz,
  payment_id uuid,
  event_ends timestamptz NOT NULL, -- before, the host is not paid out
  paid_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT orders_total CHECK (total = subtotal - discount AND discount BETWEEN 0 AND subtotal),
  CONSTRAINT orders_kept CHECK (status <> 'reserved' OR expires_at IS NOT NULL),
  CONSTRAINT orders_payment UNIQUE (payment_id)
);
CREATE INDEX orders_buyer ON orders (buyer_id, id DESC);
CREATE INDEX orders_post ON orders (post_id, id DESC);
CREATE INDEX orders_expiring ON orders (expires_at) WHERE status = 'reserved';
CREATE INDEX orders_post_kept ON orders (post_id, expires_at) WHERE status = 'reserved';
