DROP TABLE user_follows;
DROP TABLE user_blocks;
DROP FUNCTION user_follows_count();
