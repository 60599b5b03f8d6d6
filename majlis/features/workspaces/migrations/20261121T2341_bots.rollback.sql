DROP TABLE workspace_bots;
DROP FUNCTION workspace_bots_close();
