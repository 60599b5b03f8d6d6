DROP TABLE hashtags;
DROP TABLE hashtag_hours;
DROP TABLE post_hashtags;
DROP TABLE post_labels;
DROP FUNCTION post_hashtags_count();
DROP FUNCTION hashtag_count(text, timestamptz, int);
