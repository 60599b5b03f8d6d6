-- Over which channels people are told, and of what. Nobody needs a row: without one, and for categories that a row does
-- not name, everything is on.

CREATE TABLE notification_preferences (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  email_enabled boolean NOT NULL DEFAULT true,
  push_enabled boolean NOT NULL DEFAULT true,
  web_socket_enabled boolean NOT NULL DEFAULT true,
  categories jsonb NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT now()
);
