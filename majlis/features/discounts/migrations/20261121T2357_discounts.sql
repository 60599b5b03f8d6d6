-- Discount codes and what was used of them.

CREATE TABLE discount_codes (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL REFERENCES box_offices ON DELETE CASCADE,
  code text NOT NULL CHECK (length(code) BETWEEN 1 AND 50 AND code = upper(code)),
  percent int CHECK (percent BETWEEN 1 AND 100),
  amount bigint CHECK (amount > 0),
  max_uses int CHECK (max_uses > 0),
  uses int NOT NULL DEFAULT 0,
  budget bigint CHECK (budget > 0),
  spent bigint NOT NULL DEFAULT 0,
  per_buyer int CHECK (per_buyer > 0),
  type_ids uuid[],
  starts_at timestamptz,
  ends_at timestamptz,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT discount_codes_code UNIQUE (post_id, code),
  CONSTRAINT discount_codes_kind CHECK (num_nonnulls(percent, amount) = 1),
  CONSTRAINT discount_codes_uses CHECK (uses >= 0 AND uses <= max_uses),
  CONSTRAINT discount_codes_spent CHECK (spent >= 0 AND spent <= budget)
);

CREATE TABLE discount_uses (
  order_id uuid PRIMARY KEY,
  code_id uuid NOT NULL REFERENCES discount_codes ON DELETE CASCADE,
  buyer_id uuid REFERENCES users ON DELETE SET NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  given_back boolean NOT NULL DEFAULT false, -- the order came to nothing
  created_at timestamptz NOT NULL
);
CREATE INDEX discount_uses_code ON discount_uses (code_id, buyer_id);
CREATE INDEX discount_uses_buyer ON discount_uses (buyer_id);
