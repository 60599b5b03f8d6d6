DROP TABLE bank_removals;
DROP TABLE bank_accounts;
DROP TABLE bank_items;
