-- Accounts of what is nobody: something that speaks has a row to refer to. They have no password, no profile and an
-- address to which no mail goes, so that they are in no list of people and nobody signs in by them.

CREATE FUNCTION open_bot(bot uuid, moment timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO users (id, email, created_at, updated_at) VALUES (bot, 'bot-' || bot || '@bots.invalid', moment, moment)
$$;

-- Does nothing to the accounts of people.
CREATE FUNCTION close_bot(bot uuid) RETURNS void LANGUAGE sql AS $$
  DELETE FROM users WHERE id = bot AND email = 'bot-' || bot || '@bots.invalid'
$$;
