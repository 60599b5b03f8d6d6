DROP INDEX moderation_cases_decided;
