"""Articles: titled texts with addresses of their own, drafts, versions and counted views."""
