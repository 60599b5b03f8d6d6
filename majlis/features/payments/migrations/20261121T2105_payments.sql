-- Payments, what was given back of them, and which events of Stripe's were taken in.
-- Money outlives accounts: nothing here refers to users.

CREATE TABLE payments (
  id uuid PRIMARY KEY,
  payer_id uuid NOT NULL,
  payee_id uuid, -- null: the platform
  purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 50),
  reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
  amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999), -- minor units
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  fee bigint NOT NULL CHECK (fee BETWEEN 0 AND amount), -- the platform's part
  status text NOT NULL CHECK (status IN ('created', 'open', 'processing', 'failed', 'canceled', 'succeeded')),
  -- Given back, or asked to be: never more than was paid, and of the platform's part never more than that.
  refunded bigint NOT NULL DEFAULT 0,
  fee_refunded bigint NOT NULL DEFAULT 0,
  stripe_id text CHECK (length(stripe_id) <= 255),
  failure text CHECK (length(failure) <= 255),
  payable_from timestamptz, -- before, what the payee got is not paid out
  checked_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payments_stripe UNIQUE (stripe_id),
  CONSTRAINT payments_refunded CHECK (refunded BETWEEN 0 AND amount),
  CONSTRAINT payments_fee_refunded CHECK (fee_refunded BETWEEN 0 AND fee)
);
-- Whoever presses the button twice pays once.
CREATE UNIQUE INDEX payments_open ON payments (payer_id, purpose, reference)
  WHERE status IN ('created', 'open', 'processing', 'failed');
CREATE INDEX payments_payer ON payments (payer_id, created_at DESC, id DESC);
CREATE INDEX payments_reference ON payments (purpose, reference);
CREATE INDEX payments_payee_held ON payments (payee_id, payable_from)
  WHERE status = 'succeeded' AND payable_from IS NOT NULL;
CREATE INDEX payments_stuck ON payments (checked_at NULLS FIRST)
  WHERE status IN ('created', 'open', 'processing', 'failed');

CREATE TABLE payment_refunds (
  id uuid PRIMARY KEY,
  payment_id uuid NOT NULL REFERENCES payments,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255), -- who asks twice with it gets one refund
  amount bigint NOT NULL CHECK (amount > 0),
  fee bigint NOT NULL CHECK (fee BETWEEN 0 AND amount), -- what the platform bears of it
  status text NOT NULL CHECK (status IN ('requested', 'pending', 'succeeded', 'failed')),
  stripe_id text CHECK (length(stripe_id) <= 255),
  failure text CHECK (length(failure) <= 255),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payment_refunds_key UNIQUE (payment_id, key),
  CONSTRAINT payment_refunds_stripe UNIQUE (stripe_id)
);
CREATE INDEX payment_refunds_stuck ON payment_refunds (updated_at) WHERE status IN ('requested', 'pending');

CREATE TABLE stripe_events (
  id text PRIMARY KEY CHECK (length(id) <= 255),
  received_at timestamptz NOT NULL
);
CREATE INDEX stripe_events_age ON stripe_events (received_at);
