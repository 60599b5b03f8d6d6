-- Double entry. A positive amount is owed to the account; what Stripe holds for the platform is negative.
-- Money outlives people: nothing here refers to users.

CREATE TABLE ledger_accounts (
  name text PRIMARY KEY CHECK (name IN ('platform', 'stripe') OR name ~ '^user:[0-9a-f-]{36}$')
);
CREATE TABLE ledger_postings (
  id uuid PRIMARY KEY,
  cause text NOT NULL CHECK (cause ~ '^[a-z_]{1,30}$'),
  source uuid NOT NULL, -- the payment, refund or payout
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL,
  CONSTRAINT ledger_postings_once UNIQUE (cause, source)
);
CREATE TABLE ledger_entries (
  posting_id uuid NOT NULL REFERENCES ledger_postings,
  account text NOT NULL REFERENCES ledger_accounts,
  amount bigint NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (posting_id, account)
);
CREATE INDEX ledger_entries_account ON ledger_entries (account, posting_id DESC);

CREATE FUNCTION ledger_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is only added to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_keeps();
CREATE TRIGGER ledger_postings_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_keeps();
CREATE TRIGGER ledger_accounts_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_accounts
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_keeps();

-- Every statement adds whole postings, so that the sum is zero whenever anybody looks.
CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY posting_id HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'a posting sums to zero' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_balances();
