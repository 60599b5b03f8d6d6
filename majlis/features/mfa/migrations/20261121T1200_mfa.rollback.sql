DROP TABLE mfa_backup_codes;
DROP TABLE mfa_challenges;
DROP TABLE mfa_factors;
