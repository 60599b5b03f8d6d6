DROP TABLE muted_words;
DROP TABLE filter_rules;
