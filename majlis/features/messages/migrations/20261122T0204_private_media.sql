-- What messages carry is for those who read them. Some say the address of their picture, too.
SET LOCAL statement_timeout = '1h';

UPDATE messages m SET files = turned.files,
  text = CASE WHEN m.text = m.files #>> '{0,url}' THEN turned.files #>> '{0,url}' ELSE m.text END
FROM (SELECT id, media_turn(files::text, true)::jsonb AS files FROM messages
      WHERE files <> '[]' AND NOT media_fits(files::text, true)) AS turned
WHERE m.id = turned.id;
