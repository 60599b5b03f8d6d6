DELETE FROM post_labels l USING posts p WHERE p.id = l.post_id AND p.type = 'PULL';
DELETE FROM post_hashtags h USING posts p WHERE p.id = h.post_id AND p.type = 'PULL';
