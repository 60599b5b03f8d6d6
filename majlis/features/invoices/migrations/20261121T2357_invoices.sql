-- Invoices. They outlive events and accounts: nothing here refers to either.

-- The row of a seller is held until the invoice is there: numbers follow one another without a gap.
CREATE TABLE invoice_numbers (
  seller_id uuid PRIMARY KEY,
  last bigint NOT NULL CHECK (last > 0)
);
CREATE TABLE invoices (
  seller_id uuid NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
  order_id uuid NOT NULL,
  refund_id uuid,
  currency text NOT NULL,
  total bigint NOT NULL,
  lines jsonb NOT NULL,
  issued_at timestamptz NOT NULL,
  PRIMARY KEY (seller_id, number),
  CONSTRAINT invoices_kind CHECK ((kind = 'credit_note') = (refund_id IS NOT NULL)),
  CONSTRAINT invoices_refund UNIQUE (refund_id)
);
CREATE UNIQUE INDEX invoices_order ON invoices (order_id) WHERE kind = 'invoice';
CREATE INDEX invoices_of_order ON invoices (order_id, number);

CREATE FUNCTION invoices_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an invoice never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER invoices_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON invoices
  FOR EACH STATEMENT EXECUTE FUNCTION invoices_keep();
