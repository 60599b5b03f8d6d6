DROP FUNCTION posts_liked(uuid[], int[]);
