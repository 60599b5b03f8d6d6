-- What moderators have to look at: one open case about a thing or person, whoever reports it and however often.

CREATE TABLE moderation_cases (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('post', 'comment', 'user', 'business')),
  target_id uuid NOT NULL,
  person_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, -- whose it is
  state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'REVIEWED', 'RESOLVED', 'DISMISSED')),
  source text NOT NULL CHECK (source IN ('report', 'filter', 'moderator')),
  total_reports int NOT NULL DEFAULT 0 CHECK (total_reports >= 0),
  escalated boolean NOT NULL DEFAULT false,
  claimed_by uuid REFERENCES users ON DELETE SET NULL,
  claimed_at timestamptz,
  snapshot jsonb NOT NULL, -- what there was to see when the case was opened
  opened_at timestamptz NOT NULL,
  reported_at timestamptz NOT NULL,
  decided_at timestamptz
);
CREATE UNIQUE INDEX moderation_cases_open ON moderation_cases (kind, target_id)
  WHERE state IN ('PENDING', 'REVIEWED');
CREATE INDEX moderation_cases_reports ON moderation_cases (total_reports DESC, opened_at DESC, id DESC)
  WHERE state IN ('PENDING', 'REVIEWED');
CREATE INDEX moderation_cases_recent ON moderation_cases (reported_at DESC, id DESC);
CREATE INDEX moderation_cases_target ON moderation_cases (target_id);
CREATE INDEX moderation_cases_person ON moderation_cases (person_id);
CREATE INDEX moderation_cases_claimed ON moderation_cases (claimed_by) WHERE claimed_by IS NOT NULL;

-- What a moderator looks at, deleted or not, and whose it is. No row when there is no such thing.
CREATE FUNCTION moderation_content(what text, target uuid, OUT person uuid, OUT hidden_as text, OUT content jsonb)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
  SELECT p.user_id, p.hidden_as, jsonb_build_object(
    'type', p.type, 'title', p.title, 'description', p.description, 'attachments', p.attachments,
    'visibility', p.visibility, 'status', p.status, 'price', p.price, 'currency', p.currency,
    'original_post_id', p.original_post_id, 'business_id', p.business_id, 'hidden_reason', p.hidden_reason,
    'created_at', p.created_at, 'updated_at', p.updated_at, 'deleted_at', p.deleted_at)
  FROM posts p WHERE what = 'post' AND p.id = target
  UNION ALL
  SELECT c.user_id, c.hidden_as, jsonb_build_object(
    'text', c.text, 'attachments', c.attachments, 'post_id', c.post_id, 'parent_comment_id', c.parent_comment_id,
    'hidden_reason', c.hidden_reason,
    'created_at', c.created_at, 'updated_at', c.updated_at, 'deleted_at', c.deleted_at)
  FROM post_comments c WHERE what = 'comment' AND c.id = target
  UNION ALL
  SELECT w.id, NULL, jsonb_build_object(
    'first_name', w.first_name, 'last_name', w.last_name, 'about', w.about, 'website', w.website,
    'avatar', w.avatar, 'cover', w.cover,
    'created_at', w.created_at, 'updated_at', w.updated_at, 'deleted_at', w.deleted_at)
  FROM profiles w WHERE what = 'user' AND w.id = target
  UNION ALL
  SELECT b.user_id, b.hidden_as, jsonb_build_object(
    'name', b.name, 'description', b.description, 'website', b.website, 'address', b.address,
    'avatar', b.avatar, 'cover', b.cover, 'status', b.status, 'hidden_reason', b.hidden_reason,
    'created_at', b.created_at, 'updated_at', b.updated_at, 'deleted_at', b.deleted_at)
  FROM business_profiles b WHERE what = 'business' AND b.id = target
$$;

-- Opens a case under this id, or adds to the one that is open; the id of the case, null when there is nothing.
CREATE FUNCTION moderation_case_open(fresh uuid, what text, target uuid, origin text, reports int, at timestamptz)
RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO moderation_cases
    (id, kind, target_id, person_id, source, total_reports, snapshot, opened_at, reported_at)
  SELECT fresh, what, target, found.person, origin, reports, found.content, at, at
  FROM moderation_content(what, target) AS found
  ON CONFLICT (kind, target_id) WHERE state IN ('PENDING', 'REVIEWED') DO UPDATE SET
    total_reports = moderation_cases.total_reports + excluded.total_reports, reported_at = excluded.reported_at
  RETURNING id
$$;

-- Every report, of whatever kind, is in the queue. The trigger names the kind and the column of the target.
CREATE FUNCTION moderation_reported() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  report jsonb := to_jsonb(CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END);
  target uuid := (report ->> TG_ARGV[1])::uuid;
BEGIN
  IF NOT coalesce(report ->> 'report_status' IN ('PENDING', 'REVIEWED'), NOT (report ->> 'resolved')::boolean) THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM moderation_case_open(
      gen_random_uuid(), TG_ARGV[0], target, 'report', 1, (report ->> 'created_at')::timestamptz);
  ELSE
    UPDATE moderation_cases SET total_reports = greatest(0, total_reports - 1)
    WHERE kind = TG_ARGV[0] AND target_id = target AND state IN ('PENDING', 'REVIEWED');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER moderation_reported AFTER INSERT OR DELETE ON post_reports
  FOR EACH ROW EXECUTE FUNCTION moderation_reported('post', 'post_id');
CREATE TRIGGER moderation_reported AFTER INSERT OR DELETE ON comment_reports
  FOR EACH ROW EXECUTE FUNCTION moderation_reported('comment', 'comment_id');
CREATE TRIGGER moderation_reported AFTER INSERT OR DELETE ON user_reports
  FOR EACH ROW EXECUTE FUNCTION moderation_reported('user', 'reported_user');
CREATE TRIGGER moderation_reported AFTER INSERT OR DELETE ON business_reports
  FOR EACH ROW EXECUTE FUNCTION moderation_reported('business', 'business_id');

-- Reports that are open already.
DO $$ BEGIN
  PERFORM moderation_case_open(gen_random_uuid(), 'post', post_id, 'report', 1, created_at)
  FROM post_reports WHERE report_status IN ('PENDING', 'REVIEWED') ORDER BY created_at;
  PERFORM moderation_case_open(gen_random_uuid(), 'comment', comment_id, 'report', 1, created_at)
  FROM comment_reports WHERE report_status IN ('PENDING', 'REVIEWED') ORDER BY created_at;
  PERFORM moderation_case_open(gen_random_uuid(), 'user', reported_user, 'report', 1, created_at)
  FROM user_reports WHERE NOT resolved ORDER BY created_at;
  PERFORM moderation_case_open(gen_random_uuid(), 'business', business_id, 'report', 1, created_at)
  FROM business_reports WHERE report_status IN ('PENDING', 'REVIEWED') ORDER BY created_at;
END $$;
