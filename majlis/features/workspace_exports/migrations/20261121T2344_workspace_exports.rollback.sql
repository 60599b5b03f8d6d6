DROP TABLE workspace_exports;
