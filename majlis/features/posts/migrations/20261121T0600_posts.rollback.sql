DROP TABLE posts;
DROP TABLE sell_categories;
DROP FUNCTION post_count(uuid, int, int, int);
DROP FUNCTION posts_counted();
