-- Mails of what people have not read.

-- covered_until: up to when somebody's unread notifications are dealt with.
CREATE TABLE notification_digests (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  covered_until timestamptz NOT NULL
);

-- What ends these mails without signing in. Each mail has its own; older ones keep working.
CREATE TABLE notification_unsubscribes (
  token bytea PRIMARY KEY, -- SHA-256
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notification_unsubscribes_user ON notification_unsubscribes (user_id);
CREATE INDEX notification_unsubscribes_created_at ON notification_unsubscribes (created_at);
