DROP TABLE post_reposts;
DROP FUNCTION post_reposts_count();
