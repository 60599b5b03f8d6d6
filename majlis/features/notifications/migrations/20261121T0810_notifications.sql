-- What people are told. actor_id did it, target_id is what it was done to: of both together one is told once.

CREATE TABLE notifications (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  type text NOT NULL CHECK (type IN (
    'POST_LIKE', 'POST_COMMENT', 'COMMENT_REPLY', 'COMMENT_LIKE', 'POST_SHARE', 'POLL_VOTE', 'USER_FOLLOW',
    'BUSINESS_FOLLOW', 'EVENT_INTEREST', 'EVENT_REMINDER', 'SALE_ENQUIRY', 'SALE_SOLD', 'MESSAGE', 'SYSTEM')),
  title text CHECK (length(title) <= 255),
  message text,
  data jsonb,
  read boolean NOT NULL DEFAULT false,
  actor_id uuid REFERENCES users ON DELETE CASCADE,
  target_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT told_once UNIQUE (user_id, type, actor_id, target_id)
);
CREATE INDEX notifications_recent ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id) WHERE NOT read;
CREATE INDEX notifications_actor ON notifications (actor_id) WHERE actor_id IS NOT NULL;
