DROP FUNCTION sell_category_put(uuid, text, jsonb, text, text);
DROP INDEX posts_price;
DROP INDEX posts_event_ends;
DROP INDEX posts_event_starts;
DROP FUNCTION event_ends(date, date, time);
DROP FUNCTION event_starts(date, time);
DROP FUNCTION event_count(uuid, int, int);
