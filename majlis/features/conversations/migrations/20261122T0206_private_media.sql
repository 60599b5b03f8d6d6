-- The log holds copies of what messages carry, which are no references.
SET LOCAL statement_timeout = '1h';

UPDATE conversation_events e SET payload = jsonb_set(CASE
    WHEN e.payload #>> '{message,text}' = e.payload #>> '{message,files,0,url}'
    THEN jsonb_set(e.payload, '{message,text}', hidden.files #> '{0,url}') ELSE e.payload END,
  '{message,files}', hidden.files)
FROM (SELECT conversation_id, seq, media_hidden((payload #> '{message,files}')::text)::jsonb AS files
      FROM conversation_events WHERE payload #> '{message,files}' <> '[]') AS hidden
WHERE e.conversation_id = hidden.conversation_id AND e.seq = hidden.seq
  AND e.payload #> '{message,files}' <> hidden.files;
