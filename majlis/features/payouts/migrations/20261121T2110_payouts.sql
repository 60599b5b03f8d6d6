-- Where people are paid out to, and what was. Money outlives accounts: nothing here refers to users.

CREATE TABLE payout_accounts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  status text NOT NULL CHECK (status IN ('created', 'pending', 'active', 'restricted')),
  stripe_id text CHECK (length(stripe_id) <= 255),
  links integer NOT NULL DEFAULT 0 CHECK (links >= 0), -- how many were asked for: each has a key of its own
  version integer NOT NULL DEFAULT 0, -- an answer of Stripe's counts only if no other came between
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payout_accounts_user UNIQUE (user_id),
  CONSTRAINT payout_accounts_stripe UNIQUE (stripe_id)
);

CREATE TABLE payouts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status text NOT NULL CHECK (status IN ('requested', 'paid', 'failed')),
  stripe_id text CHECK (length(stripe_id) <= 255),
  failure text CHECK (length(failure) <= 255),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payouts_stripe UNIQUE (stripe_id)
);
CREATE INDEX payouts_user ON payouts (user_id, id DESC);
CREATE INDEX payouts_stuck ON payouts (updated_at) WHERE status = 'requested';
