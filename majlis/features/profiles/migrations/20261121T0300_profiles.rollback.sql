DROP TABLE profiles;
DROP FUNCTION profile_count(uuid, int, int, int);
