DROP TRIGGER post_likes_added ON post_likes;
DROP FUNCTION post_likes_added();
DROP TRIGGER post_likes_count ON post_likes;
CREATE TRIGGER post_likes_count AFTER INSERT OR DELETE ON post_likes
  FOR EACH ROW EXECUTE FUNCTION post_likes_count();
