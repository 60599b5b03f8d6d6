DROP TABLE oauth_grants;
DROP TABLE user_identities;
