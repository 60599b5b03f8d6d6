DROP TRIGGER moderation_reported ON business_reports;
DROP TRIGGER moderation_reported ON user_reports;
DROP TRIGGER moderation_reported ON comment_reports;
DROP TRIGGER moderation_reported ON post_reports;
DROP FUNCTION moderation_reported();
DROP FUNCTION moderation_case_open(uuid, text, uuid, text, int, timestamptz);
DROP FUNCTION moderation_content(text, uuid);
DROP TABLE moderation_cases;
