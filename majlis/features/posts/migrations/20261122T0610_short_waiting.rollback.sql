ALTER INDEX posts_search RESET (gin_pending_list_limit);
