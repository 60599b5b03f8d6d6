DROP TABLE user_polls;
DROP TABLE poll_options;
DROP TABLE polls;
DROP FUNCTION user_polls_count();
