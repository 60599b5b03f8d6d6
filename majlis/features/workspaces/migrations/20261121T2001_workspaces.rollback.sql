DROP TABLE workspace_members;
DROP TABLE workspaces;
DROP FUNCTION workspace_members_count();
