DROP TABLE workspace_emoji;
