-- What people are at doors for nights out, and what such doors say of events beyond the post.

CREATE TABLE nightlife_people (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  role text NOT NULL DEFAULT 'partier' CHECK (role IN ('host', 'partier', 'talent', 'brand')),
  location text CHECK (length(location) BETWEEN 1 AND 255),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

-- An event without a row is as the rest of its post says.
CREATE TABLE nightlife_events (
  post_id uuid PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
  location text CHECK (length(location) BETWEEN 1 AND 255),
  tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
  image_name text NOT NULL DEFAULT 'party.popper.fill' CHECK (length(image_name) <= 100),
  featured boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX nightlife_events_featured ON nightlife_events (post_id) WHERE featured;
