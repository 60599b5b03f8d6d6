-- What one viewer sees on a map and not everybody: few posts, found by the people whom they follow. Without these
-- every map reads all posts of all of them. Nothing that counts is in them: likes do not touch these indexes.
CREATE INDEX posts_not_public ON posts (user_id)
  WHERE deleted_at IS NULL AND is_location AND address_location IS NOT NULL AND visibility <> 'PUBLIC';
CREATE INDEX profiles_private ON profiles (id) WHERE is_private;
