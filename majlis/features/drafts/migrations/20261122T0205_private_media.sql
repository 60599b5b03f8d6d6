-- Pictures of drafts are for their author.
SET LOCAL statement_timeout = '1h';
UPDATE drafts SET body = jsonb_set(body, '{attachments}', media_turn((body -> 'attachments')::text, true)::jsonb)
WHERE body -> 'attachments' <> '[]' AND NOT media_fits((body -> 'attachments')::text, true);
