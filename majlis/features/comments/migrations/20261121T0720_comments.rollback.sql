DROP TABLE post_comment_likes;
DROP TABLE post_comments;
DROP FUNCTION post_comment_likes_count();
DROP FUNCTION post_comments_count();
DROP FUNCTION post_comments_vanish(uuid);
DROP FUNCTION post_comments_appear(uuid);
