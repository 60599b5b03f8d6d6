SET LOCAL statement_timeout = '1h';
UPDATE messages m SET files = turned.files,
  text = CASE WHEN m.text = m.files #>> '{0,url}' THEN turned.files #>> '{0,url}' ELSE m.text END
FROM (SELECT id, media_turn(files::text, false)::jsonb AS files FROM messages
      WHERE files <> '[]' AND NOT media_fits(files::text, false)) AS turned
WHERE m.id = turned.id;
