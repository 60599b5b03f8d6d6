-- Counts the posts that there are already; behind the triggers, so that none is missed, and without their locks.
SET LOCAL statement_timeout = '1h';
DO $$ BEGIN PERFORM map_mend(); END $$;
