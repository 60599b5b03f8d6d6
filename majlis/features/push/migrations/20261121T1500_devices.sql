-- Where somebody gets pushes: an app's registration token, its installation id, or a browser's subscription.
-- A device belongs to a session and ends with it.

CREATE TABLE devices (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid NOT NULL REFERENCES user_sessions ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('fcm', 'fid', 'webpush')),
  token text NOT NULL,
  token_hash bytea NOT NULL UNIQUE, -- SHA-256 of kind and token: whoever registers it last has it
  p256dh text,
  auth text,
  name text CHECK (length(name) <= 100),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT keys_of_browsers CHECK ((kind = 'webpush') = (p256dh IS NOT NULL AND auth IS NOT NULL))
);
CREATE INDEX devices_user ON devices (user_id, updated_at DESC);
CREATE INDEX devices_session ON devices (session_id);
