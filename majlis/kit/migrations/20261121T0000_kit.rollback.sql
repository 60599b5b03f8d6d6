DROP FUNCTION distance_km(point, point);
DROP TABLE idempotency_keys;
DROP FUNCTION emit_fact(text[], bytea);
