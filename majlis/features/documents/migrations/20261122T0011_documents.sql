-- Documents edited together. `state` is all of a document up to `state_version`, as one update; behind that come the
-- updates of `document_updates`, one for each version. The newest of them stay a while when they are folded into it.

CREATE TABLE documents (
  id uuid PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
  version integer NOT NULL DEFAULT 1,
  state bytea NOT NULL,
  state_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX documents_owner ON documents (owner_id);

CREATE TABLE document_people (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  added_at timestamptz NOT NULL,
  PRIMARY KEY (document_id, user_id)
);
CREATE INDEX document_people_user ON document_people (user_id);

CREATE TABLE document_updates (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  version integer NOT NULL,
  user_id uuid REFERENCES users ON DELETE SET NULL,
  update bytea NOT NULL,
  changes jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (document_id, version)
);
CREATE INDEX document_updates_user ON document_updates (user_id);
