-- What belongs to a business: categories, hours, gallery, followers, who looked at it.

ALTER TABLE business_profiles
  -- In which the hours are meant: that of the place.
  ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Kabul',
  ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', search_text(name)), 'A')
    || setweight(to_tsvector('simple', search_text(coalesce(description, ''))), 'B')) STORED,
  -- Room on each page for new versions of a row whose counters move.
  SET (fillfactor = 85);
CREATE INDEX business_profiles_recent ON business_profiles (created_at DESC, id DESC) WHERE deleted_at IS NULL AND status;
CREATE INDEX business_profiles_search ON business_profiles USING gin (search) WHERE deleted_at IS NULL;
CREATE INDEX business_profiles_province ON business_profiles (lower(province)) WHERE deleted_at IS NULL;

-- A zone that the database can reckon with, else the usual one: a list must not fail for one row's zone.
CREATE FUNCTION known_time_zone(zone text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM now() AT TIME ZONE zone;
  RETURN coalesce(zone, 'Asia/Kabul');
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN 'Asia/Kabul';
END $$;

CREATE TABLE business_profile_categories (
  business_profile_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  business_category_id uuid NOT NULL REFERENCES business_categories ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (business_profile_id, business_category_id)
);
CREATE INDEX business_profile_categories_category ON business_profile_categories (business_category_id);

CREATE TABLE business_hours (
  id uuid PRIMARY KEY,
  business_profile_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  day text NOT NULL
    CHECK (day IN ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday')),
  open_time time,
  close_time time,
  is_closed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (business_profile_id, day),
  CONSTRAINT times_unless_closed CHECK (is_closed OR (open_time IS NOT NULL AND close_time IS NOT NULL))
);

CREATE TABLE business_attachments (
  id uuid PRIMARY KEY,
  business_profile_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  photo jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE INDEX business_attachments_recent ON business_attachments (business_profile_id, created_at DESC, id DESC)
  WHERE deleted_at IS NULL;

CREATE TABLE business_profile_followers (
  business_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  follower_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  is_active boolean NOT NULL DEFAULT true, -- always true: whoever stops following has no row
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (business_id, follower_id)
);
CREATE INDEX business_profile_followers_recent ON business_profile_followers (business_id, created_at DESC, follower_id DESC);
CREATE INDEX business_profile_followers_follower ON business_profile_followers (follower_id, business_id);

CREATE FUNCTION business_follow_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE business_profiles SET total_follow = total_follow + 1 WHERE id = NEW.business_id;
  ELSE
    UPDATE business_profiles SET total_follow = greatest(0, total_follow - 1) WHERE id = OLD.business_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER trg_business_follow_count AFTER INSERT OR DELETE ON business_profile_followers
  FOR EACH ROW EXECUTE FUNCTION business_follow_count();

-- Who was counted on which day; kept for a few days only.
CREATE TABLE business_views (
  business_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  viewer_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  day date NOT NULL,
  PRIMARY KEY (business_id, viewer_id, day)
);
CREATE INDEX business_views_viewer ON business_views (viewer_id);
