DROP INDEX profiles_named;
