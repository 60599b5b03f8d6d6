DROP TABLE discount_uses;
DROP TABLE discount_codes;
