-- What somebody keeps is no reference for everybody: what shows it decides who may fetch it.
SET LOCAL statement_timeout = '1h';
DO $$ BEGIN PERFORM media_keep(object) FROM library_items; END $$;
