ALTER TABLE privacy_settings DROP COLUMN read_receipts;
