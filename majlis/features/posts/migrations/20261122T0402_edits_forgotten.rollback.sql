DROP FUNCTION post_edits_forget(uuid);
