-- Finds the tags that no post has any more, without a look at all the others.
CREATE INDEX hashtags_unused ON hashtags (tag) WHERE posts = 0 AND recent = 0;
