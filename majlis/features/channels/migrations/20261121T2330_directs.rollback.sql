SELECT conversation_forget(ARRAY(SELECT id FROM channels WHERE direct IS NOT NULL));
DROP INDEX channels_people;
ALTER TABLE channels
  DROP CONSTRAINT channels_closed,
  DROP CONSTRAINT channels_peopled,
  DROP CONSTRAINT channels_named,
  DROP COLUMN people_key,
  DROP COLUMN direct;
ALTER TABLE channels ALTER COLUMN name SET NOT NULL;
