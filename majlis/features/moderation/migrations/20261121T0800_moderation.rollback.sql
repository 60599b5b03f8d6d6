DROP TABLE business_reports;
DROP TABLE comment_reports;
DROP TABLE post_reports;
DROP TABLE user_reports;
