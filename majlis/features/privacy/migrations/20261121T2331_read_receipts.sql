-- Whether others learn that somebody has read what they wrote.

ALTER TABLE privacy_settings ADD COLUMN read_receipts boolean NOT NULL DEFAULT true;
