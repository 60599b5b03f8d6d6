DROP INDEX ledger_postings_created;
