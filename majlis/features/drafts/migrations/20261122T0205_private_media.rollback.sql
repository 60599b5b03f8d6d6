SET LOCAL statement_timeout = '1h';
UPDATE drafts SET body = jsonb_set(body, '{attachments}', media_turn((body -> 'attachments')::text, false)::jsonb)
WHERE body -> 'attachments' <> '[]' AND NOT media_fits((body -> 'attachments')::text, false);
