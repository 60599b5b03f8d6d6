-- Lists of people go by how they are called. What is found by a word that many have is looked for in this order.
SET LOCAL statement_timeout = '1h';

CREATE INDEX profiles_named ON profiles
  (lower(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))), id)
  WHERE deleted_at IS NULL AND NOT suspended;
