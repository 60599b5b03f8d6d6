DROP TABLE account_deletion_reasons;
DROP TABLE password_reset_tokens;
DROP TABLE email_verifications;
DROP TABLE login_failures;
DROP TABLE password_history;
DROP TABLE users;
