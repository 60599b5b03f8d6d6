DROP INDEX hashtags_unused;
