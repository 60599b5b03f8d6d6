-- At which door a session was opened: its tokens count there only. The native door has no name.

ALTER TABLE user_sessions ADD COLUMN door text NOT NULL DEFAULT '' CHECK (length(door) <= 40);
