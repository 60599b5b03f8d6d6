-- Uploads that their owner keeps, whether or not something shows them. Each is one reference to its upload.

CREATE TABLE library_items (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  object text NOT NULL UNIQUE,
  photo jsonb NOT NULL, -- as it is stored with the upload
  alt_text text CHECK (length(alt_text) <= 1000),
  created_at timestamptz NOT NULL
);
CREATE INDEX library_items_of ON library_items (user_id, created_at DESC, id DESC);
