-- What people let others see, one row per profile, which has the id of its user. Somebody without a row has the
-- defaults. The texts are those of the apps.

CREATE TABLE privacy_settings (
  id uuid PRIMARY KEY,
  profile_id uuid NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
  full_name_visibility text NOT NULL DEFAULT 'Anyone on Hamsaya'
    CHECK (full_name_visibility IN ('Anyone on Hamsaya', 'People I follow', 'Only me')),
  profile_photos_visibility text NOT NULL DEFAULT 'Anyone on Hamsaya'
    CHECK (profile_photos_visibility IN ('Anyone on Hamsaya', 'People I follow', 'Only me')),
  profile_bio_visibility text NOT NULL DEFAULT 'Anyone on Hamsaya'
    CHECK (profile_bio_visibility IN ('Anyone on Hamsaya', 'People I follow', 'Only me')),
  discoverability_visibility text NOT NULL DEFAULT 'Anyone on Hamsaya'
    CHECK (discoverability_visibility IN ('Anyone on Hamsaya', 'People I follow', 'Only me')),
  mention_visibility text NOT NULL DEFAULT 'Anyone can mention me'
    CHECK (mention_visibility IN ('Anyone can mention me', 'People I follow', 'No one')),
  direct_message_visibility text NOT NULL DEFAULT 'Anyone on Hamsaya'
    CHECK (direct_message_visibility IN ('Anyone on Hamsaya', 'People I follow', 'Only me')),
  sync_contacts boolean NOT NULL DEFAULT false,
  discover_by_email boolean NOT NULL DEFAULT true,
  discover_by_phone boolean NOT NULL DEFAULT true,
  is_private boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
