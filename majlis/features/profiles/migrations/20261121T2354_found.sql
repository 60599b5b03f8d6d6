-- People are looked for by the beginnings of their usernames, and by what they write about themselves.
SET LOCAL statement_timeout = '1h';

CREATE INDEX profiles_username_begins ON profiles (lower(username) text_pattern_ops) WHERE deleted_at IS NULL;
CREATE INDEX profiles_about ON profiles USING gin (to_tsvector('simple', search_text(coalesce(about, ''))))
  WHERE deleted_at IS NULL;
