-- What others see of a person. The counters are kept by triggers of the tables that they count,
-- through the function below, so that they hold whoever writes.

CREATE TABLE profiles (
  id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  first_name text CHECK (length(first_name) <= 100),
  last_name text CHECK (length(last_name) <= 100),
  avatar jsonb,
  cover jsonb,
  about text,
  gender text CHECK (gender IN ('male', 'female', 'other')),
  dob date,
  website text CHECK (length(website) <= 255),
  location point,
  country text CHECK (length(country) <= 100),
  province text CHECK (length(province) <= 100),
  district text CHECK (length(district) <= 100),
  neighborhood text CHECK (length(neighborhood) <= 100),
  is_complete boolean NOT NULL DEFAULT false,
  followers_count int NOT NULL DEFAULT 0 CHECK (followers_count >= 0),
  following_count int NOT NULL DEFAULT 0 CHECK (following_count >= 0),
  posts_count int NOT NULL DEFAULT 0 CHECK (posts_count >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  suspended boolean NOT NULL DEFAULT false,
  search tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', search_text(coalesce(first_name, '') || ' ' || coalesce(last_name, '')))) STORED
) WITH (fillfactor = 85);
CREATE INDEX profiles_location ON profiles USING gist (location) WHERE deleted_at IS NULL;
CREATE INDEX profiles_province ON profiles (province) WHERE deleted_at IS NULL;
CREATE INDEX profiles_search ON profiles USING gin (search) WHERE deleted_at IS NULL;

-- Moves the counters of a person; they never drop below 0.
CREATE FUNCTION profile_count(person uuid, followers int, following int, posts int) RETURNS void LANGUAGE sql AS $$
  UPDATE profiles SET
    followers_count = greatest(0, followers_count + followers),
    following_count = greatest(0, following_count + following),
    posts_count = greatest(0, posts_count + posts)
  WHERE id = person
$$;
