-- Rows that hold private addresses were given back their public ones by what came after this.
DROP FUNCTION media_keep(text);
DROP FUNCTION media_turn(text, boolean);
DROP FUNCTION media_fits(text, boolean);
DROP FUNCTION media_shown(text);
DROP FUNCTION media_closed(text);
DROP FUNCTION media_hidden(text);
DROP FUNCTION media_addresses(text);
DROP FUNCTION media_mark(text);
DROP TABLE media_keys;
ALTER TABLE uploads DROP COLUMN public_refs, DROP COLUMN private_refs;
