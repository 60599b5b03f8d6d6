-- Uploaded pictures: whose they are, and how many things refer to them.

CREATE TABLE uploads (
  id uuid PRIMARY KEY,
  object text NOT NULL UNIQUE, -- <random uuid>/<file name>.webp; the thumbnail's name follows from it
  user_id uuid REFERENCES users ON DELETE SET NULL, -- the row has to outlive its owner until the files are gone
  kind text NOT NULL CHECK (kind IN ('avatar', 'cover', 'post', 'comment', 'business', 'generic')),
  photo jsonb NOT NULL,
  attached int NOT NULL DEFAULT 0 CHECK (attached >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz -- from here on nothing may refer to it; the row goes once its files are gone
);
CREATE INDEX uploads_user ON uploads (user_id);
CREATE INDEX uploads_loose ON uploads (created_at) WHERE attached = 0 OR user_id IS NULL;
