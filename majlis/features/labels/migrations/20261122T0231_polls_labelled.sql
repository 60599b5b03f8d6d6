-- Polls that are there already are labelled by the worker, as if they were changed.
DO $$ BEGIN
  PERFORM emit_facts(ARRAY['labels.handlers.follow:PostChanged'],
    (SELECT array_agg(convert_to(json_build_object('post_id', id)::text, 'UTF8')) FROM posts
     WHERE type = 'PULL' AND deleted_at IS NULL AND concat_ws(' ', title, description) LIKE '%#%'));
END $$;
