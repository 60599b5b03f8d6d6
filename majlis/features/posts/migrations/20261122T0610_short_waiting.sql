-- What was changed waits beside an index of words until there is enough to sort it in, and every search reads all that
-- waits: by default up to 4 MB, half a millisecond for 6,000 changes. Writing takes no longer with short lists: see
-- docs/decisions/0050.
ALTER INDEX posts_search SET (gin_pending_list_limit = 64);
