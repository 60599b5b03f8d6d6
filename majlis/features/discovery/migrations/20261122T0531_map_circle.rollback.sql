DROP INDEX profiles_private;
DROP INDEX posts_not_public;
