-- Channels per category, and what a notification is about, for groups.

-- subject_id is what it is about: notifications of one type and subject make a group, group_key for short. listed:
-- whether it is in the list of its owner, or stands here for the other channels only.
ALTER TABLE notifications ADD COLUMN subject_id uuid, ADD COLUMN listed boolean NOT NULL DEFAULT true;
UPDATE notifications SET subject_id = CASE
    WHEN type IN ('POST_COMMENT', 'POST_SHARE') THEN (data ->> 'post_id')::uuid
    WHEN type = 'COMMENT_REPLY' THEN (data ->> 'parent_comment_id')::uuid
    ELSE target_id END
WHERE actor_id IS NOT NULL;
ALTER TABLE notifications ADD COLUMN group_key uuid GENERATED ALWAYS AS (md5(type || subject_id::text)::uuid) STORED;

CREATE INDEX notifications_group ON notifications (user_id, group_key, created_at DESC, id DESC)
  WHERE group_key IS NOT NULL;
-- What nobody did, such as a word of the moderators, is told once of its target too.
CREATE UNIQUE INDEX notifications_informed ON notifications (user_id, type, target_id)
  WHERE actor_id IS NULL AND target_id IS NOT NULL;

CREATE TABLE notification_settings (
  id uuid PRIMARY KEY,
  profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
  category text NOT NULL CHECK (category IN ('POSTS', 'MESSAGES', 'EVENTS', 'SALES')),
  push_pref boolean NOT NULL DEFAULT true,
  in_app_pref boolean NOT NULL DEFAULT true,
  email_pref boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (profile_id, category)
);
CREATE INDEX notification_settings_email ON notification_settings (profile_id) WHERE email_pref;
