DROP TABLE post_likes;
DROP TABLE post_bookmarks;
DROP TABLE post_shares;
DROP FUNCTION post_likes_count();
