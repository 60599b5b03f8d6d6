DROP TRIGGER analytics_used ON user_sessions;
DROP TRIGGER analytics_opened ON user_sessions;
DROP FUNCTION analytics_seen();
DROP TABLE analytics_active;
DROP TABLE analytics_revenue;
DROP TABLE analytics_days;
