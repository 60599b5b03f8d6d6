-- Conversations of a few people of a workspace: channels without a name, of which the same people have one only.

ALTER TABLE channels ALTER COLUMN name DROP NOT NULL;
ALTER TABLE channels
  ADD COLUMN direct text CHECK (direct IN ('dm', 'group_dm')),
  ADD COLUMN people_key bytea, -- SHA-256 of the ids of those whose conversation it is
  ADD CONSTRAINT channels_named CHECK ((direct IS NULL) = (name IS NOT NULL)),
  ADD CONSTRAINT channels_peopled CHECK ((direct IS NULL) = (people_key IS NULL)),
  ADD CONSTRAINT channels_closed CHECK (direct IS NULL OR (is_private AND NOT is_default));
CREATE UNIQUE INDEX channels_people ON channels (workspace_id, people_key) WHERE people_key IS NOT NULL;
