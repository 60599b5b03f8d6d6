DROP TABLE token_blacklist;
DROP TABLE user_sessions;
