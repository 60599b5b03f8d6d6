DROP FUNCTION distance_km(point, point);
DROP FUNCTION search_text(text);
DROP TABLE idempotency_keys;
DROP FUNCTION emit_facts(text[], bytea[]);
