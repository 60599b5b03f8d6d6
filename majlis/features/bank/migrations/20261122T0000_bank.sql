-- Logins at banks that people connected through Plaid, and their accounts there.

CREATE TABLE bank_items (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  item_id text NOT NULL CHECK (length(item_id) BETWEEN 1 AND 255), -- Plaid's
  access_token text NOT NULL, -- sealed
  -- new: its accounts are not known yet, and nobody sees it
  state text NOT NULL CHECK (state IN ('new', 'good', 'login_required')),
  version integer NOT NULL DEFAULT 0, -- raised by every change of state, whoever saw it
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT bank_items_item UNIQUE (item_id)
);
CREATE INDEX bank_items_user ON bank_items (user_id);
CREATE INDEX bank_items_new ON bank_items (created_at) WHERE state = 'new';

CREATE TABLE bank_accounts (
  id uuid PRIMARY KEY,
  bank_item_id uuid NOT NULL REFERENCES bank_items ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  account_id text NOT NULL CHECK (length(account_id) BETWEEN 1 AND 255), -- Plaid's
  bank_name text NOT NULL CHECK (length(bank_name) BETWEEN 1 AND 255),
  account_type text NOT NULL CHECK (account_type IN ('checking', 'savings')),
  last4 text NOT NULL CHECK (length(last4) <= 4),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT bank_accounts_account UNIQUE (bank_item_id, account_id)
);
CREATE INDEX bank_accounts_user ON bank_accounts (user_id, created_at, id);

-- What has to be ended at Plaid. It is nobody's any more, so that it outlives the account that it was of.
CREATE TABLE bank_removals (
  id uuid PRIMARY KEY,
  access_token text NOT NULL, -- sealed
  created_at timestamptz NOT NULL
);
CREATE INDEX bank_removals_created ON bank_removals (created_at);
