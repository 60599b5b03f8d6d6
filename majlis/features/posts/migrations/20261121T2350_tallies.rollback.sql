CREATE OR REPLACE FUNCTION post_count(post uuid, likes int, comments int, shares int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE posts SET
    total_likes = greatest(0, total_likes + likes),
    total_comments = greatest(0, total_comments + comments),
    total_shares = greatest(0, total_shares + shares)
  WHERE id = post;
END $$;
DROP FUNCTION post_bookmark_count(uuid, int);
DROP FUNCTION post_repost_count(uuid, int);
DROP FUNCTION post_warm(uuid, text, timestamptz, int, int);
DROP TABLE post_heats;
DROP FUNCTION post_heat(int);
ALTER TABLE posts DROP CONSTRAINT posts_sane;
ALTER TABLE posts DROP COLUMN total_bookmarks, DROP COLUMN total_reposts;
ALTER TABLE posts ADD CONSTRAINT posts_sane CHECK (
  type IN ('FEED', 'EVENT', 'SELL', 'PULL') AND visibility IN ('PUBLIC', 'FRIENDS', 'PRIVATE')
  AND length(currency) = 3 AND price >= 0 AND discount BETWEEN 0 AND 100
  AND interested_count >= 0 AND going_count >= 0
  AND total_comments >= 0 AND total_likes >= 0 AND total_shares >= 0);
