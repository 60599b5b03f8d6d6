-- Sessions of other doors have no place any more: their tokens would count at the native one.
DELETE FROM user_sessions WHERE door <> '';
ALTER TABLE user_sessions DROP COLUMN door;
