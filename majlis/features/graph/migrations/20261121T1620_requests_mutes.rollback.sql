DROP TABLE user_mutes;
DROP TABLE follow_requests;
