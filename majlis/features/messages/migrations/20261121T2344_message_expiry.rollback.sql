DROP FUNCTION messages_expire(uuid, timestamptz, int, timestamptz);
DROP TYPE messages_expired;
