-- The list of types is the code's: whoever adds one need not change a table of another feature.

ALTER TABLE notifications DROP CONSTRAINT notifications_type_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_check CHECK (type ~ '^[A-Z][A-Z_]{0,49}$');
