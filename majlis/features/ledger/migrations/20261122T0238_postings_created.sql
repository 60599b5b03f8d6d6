-- What was written down in a time.
SET LOCAL statement_timeout = '1h';
CREATE INDEX ledger_postings_created ON ledger_postings (created_at);
