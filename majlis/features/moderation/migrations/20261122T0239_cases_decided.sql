-- What was decided last.
CREATE INDEX moderation_cases_decided ON moderation_cases (decided_at DESC) WHERE decided_at IS NOT NULL;
