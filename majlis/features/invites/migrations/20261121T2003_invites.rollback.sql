DROP TABLE workspace_invite_uses;
DROP TABLE workspace_invites;
