DROP INDEX profiles_about;
DROP INDEX profiles_username_begins;
