-- Prices of authors and subscriptions to them. Money outlives accounts: nothing here refers to users.

CREATE TABLE subscription_prices (
  id uuid PRIMARY KEY,
  payee_id uuid NOT NULL,
  purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 50),
  amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999), -- minor units per month
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  stripe_id text CHECK (length(stripe_id) <= 255),
  active boolean NOT NULL DEFAULT true, -- those who subscribed at an older price keep it
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX subscription_prices_active ON subscription_prices (payee_id, purpose) WHERE active;

CREATE TABLE subscription_customers (
  user_id uuid PRIMARY KEY,
  stripe_id text NOT NULL CHECK (length(stripe_id) <= 255),
  created_at timestamptz NOT NULL
);

CREATE TABLE subscriptions (
  id uuid PRIMARY KEY,
  subscriber_id uuid NOT NULL,
  payee_id uuid NOT NULL,
  purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 50),
  price_id uuid NOT NULL REFERENCES subscription_prices,
  fee_percent integer NOT NULL CHECK (fee_percent BETWEEN 0 AND 100), -- the platform's part of each month
  status text NOT NULL CHECK (status IN ('created', 'incomplete', 'active', 'past_due', 'ended')),
  ends boolean NOT NULL DEFAULT false, -- with the period
  period_end timestamptz,
  stripe_id text CHECK (length(stripe_id) <= 255),
  version integer NOT NULL DEFAULT 0, -- an answer of Stripe's counts only if no other came between
  checked_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT subscriptions_stripe UNIQUE (stripe_id)
);
CREATE UNIQUE INDEX subscriptions_open ON subscriptions (subscriber_id, payee_id, purpose) WHERE status <> 'ended';
CREATE INDEX subscriptions_subscriber ON subscriptions (subscriber_id, id DESC);
CREATE INDEX subscriptions_payee ON subscriptions (payee_id, purpose, status);
CREATE INDEX subscriptions_price ON subscriptions (price_id);
CREATE INDEX subscriptions_stuck ON subscriptions (checked_at NULLS FIRST) WHERE status <> 'ended';
