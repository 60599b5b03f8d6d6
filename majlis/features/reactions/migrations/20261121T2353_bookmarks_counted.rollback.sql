DROP TRIGGER post_bookmarks_count ON post_bookmarks;
DROP FUNCTION post_bookmarks_count();
