DROP FUNCTION notifications_expire(uuid);
