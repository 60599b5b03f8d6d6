DROP TABLE connection_revocations;
DROP TABLE connections;
DROP TABLE connection_attempts;
