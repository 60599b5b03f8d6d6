-- What of paid posts is for those who paid. The posts themselves hold only what everybody may read.

CREATE TABLE paid_posts (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  author_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  body text NOT NULL CHECK (length(body) <= 20000), -- the whole text
  price bigint CHECK (price BETWEEN 1 AND 999999999999), -- minor units; null: for subscribers alone
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX paid_posts_author ON paid_posts (author_id, post_id);

-- A row is there before its file and goes after it. What belongs to no post any more is cleared away.
CREATE TABLE paid_media (
  id uuid PRIMARY KEY,
  post_id uuid REFERENCES paid_posts ON DELETE SET NULL,
  author_id uuid REFERENCES users ON DELETE SET NULL,
  object text NOT NULL UNIQUE CHECK (object LIKE 'paid/%'),
  position integer NOT NULL,
  key bytea NOT NULL CHECK (length(key) = 32), -- signs its addresses
  photo jsonb NOT NULL,
  alt_text text,
  created_at timestamptz NOT NULL
);
CREATE INDEX paid_media_post ON paid_media (post_id, position);
CREATE INDEX paid_media_author ON paid_media (author_id, object);
CREATE INDEX paid_media_loose ON paid_media (created_at) WHERE post_id IS NULL;

-- The currency of an author's prices; without a row it is USD.
CREATE TABLE paywall_authors (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  updated_at timestamptz NOT NULL
);

-- Money outlives posts and accounts: nothing here falls with them.
CREATE TABLE purchases (
  id uuid PRIMARY KEY,
  post_id uuid NOT NULL,
  user_id uuid REFERENCES users ON DELETE SET NULL,
  author_id uuid NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status text NOT NULL CHECK (status IN ('pending', 'bought', 'refunded')),
  payment_id uuid,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT purchases_once UNIQUE (user_id, post_id),
  CONSTRAINT purchases_payment UNIQUE (payment_id),
  CONSTRAINT purchases_paid CHECK (status = 'pending' OR payment_id IS NOT NULL)
);
CREATE INDEX purchases_post ON purchases (post_id);
CREATE INDEX purchases_author ON purchases (author_id, id DESC);

-- Months that were given back: until then the subscription opens nothing.
CREATE TABLE paywall_lapses (
  payment_id uuid PRIMARY KEY,
  subscription_id uuid NOT NULL,
  until timestamptz NOT NULL
);
CREATE INDEX paywall_lapses_subscription ON paywall_lapses (subscription_id, until);
