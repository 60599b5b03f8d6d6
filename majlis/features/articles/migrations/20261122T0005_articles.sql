-- Articles, and every slug that one of them ever had: a slug is never given to another, not even to follow a deleted one.

CREATE TABLE articles (
  id uuid PRIMARY KEY,
  author_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  title text NOT NULL CHECK (char_length(title) BETWEEN 3 AND 255),
  slug text NOT NULL UNIQUE CHECK (char_length(slug) <= 255),
  content text NOT NULL CHECK (char_length(content) >= 10),
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
  view_count bigint NOT NULL DEFAULT 0 CHECK (view_count >= 0),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE INDEX articles_newest ON articles (status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX articles_author ON articles (author_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX articles_erased ON articles (author_id); -- deleted ones go with their author, too
CREATE INDEX articles_popular ON articles (view_count DESC, id DESC) WHERE deleted_at IS NULL AND status = 'published';

CREATE TABLE article_slugs (
  slug text PRIMARY KEY,
  article_id uuid NOT NULL REFERENCES articles ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX article_slugs_article ON article_slugs (article_id);
