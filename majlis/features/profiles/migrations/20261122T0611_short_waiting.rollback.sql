ALTER INDEX profiles_search RESET (gin_pending_list_limit);
ALTER INDEX profiles_about RESET (gin_pending_list_limit);
