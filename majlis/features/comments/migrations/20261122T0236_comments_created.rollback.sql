DROP INDEX post_comments_created;
