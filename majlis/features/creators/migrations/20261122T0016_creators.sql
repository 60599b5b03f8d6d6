-- Since when somebody subscribes to an author, and until when they did. Money outlives accounts: nothing here refers to users.

CREATE TABLE author_subscribers (
  subscription_id uuid PRIMARY KEY,
  author_id uuid NOT NULL,
  began_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX author_subscribers_author ON author_subscribers (author_id, began_at);
