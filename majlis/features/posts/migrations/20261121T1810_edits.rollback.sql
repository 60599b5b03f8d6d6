DROP TRIGGER posts_edited ON posts;
DROP FUNCTION posts_edited();
DROP TABLE post_edits;
