ALTER INDEX business_profiles_search RESET (gin_pending_list_limit);
