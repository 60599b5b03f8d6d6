-- Reports. Of each kind a reporter has one open report about a target at most.

CREATE TABLE user_reports (
  id uuid PRIMARY KEY,
  reported_user uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  reported_by_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 100),
  description text,
  resolved boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT no_self_report CHECK (reported_user <> reported_by_id)
);
CREATE UNIQUE INDEX user_reports_open ON user_reports (reported_by_id, reported_user) WHERE NOT resolved;
CREATE INDEX user_reports_user ON user_reports (reported_user);
CREATE INDEX user_reports_recent ON user_reports (created_at DESC, id DESC) WHERE NOT resolved;

CREATE TABLE post_reports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 100),
  additional_comments text,
  report_status text NOT NULL DEFAULT 'PENDING'
    CHECK (report_status IN ('PENDING', 'REVIEWED', 'RESOLVED', 'DISMISSED')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX post_reports_open ON post_reports (user_id, post_id)
  WHERE report_status IN ('PENDING', 'REVIEWED');
CREATE INDEX post_reports_post ON post_reports (post_id);
CREATE INDEX post_reports_recent ON post_reports (created_at DESC, id DESC)
  WHERE report_status IN ('PENDING', 'REVIEWED');

CREATE TABLE comment_reports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  comment_id uuid NOT NULL REFERENCES post_comments ON DELETE CASCADE,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 100),
  additional_comments text,
  report_status text NOT NULL DEFAULT 'PENDING'
    CHECK (report_status IN ('PENDING', 'REVIEWED', 'RESOLVED', 'DISMISSED')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX comment_reports_open ON comment_reports (user_id, comment_id)
  WHERE report_status IN ('PENDING', 'REVIEWED');
CREATE INDEX comment_reports_comment ON comment_reports (comment_id);
CREATE INDEX comment_reports_recent ON comment_reports (created_at DESC, id DESC)
  WHERE report_status IN ('PENDING', 'REVIEWED');

CREATE TABLE business_reports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  business_id uuid NOT NULL REFERENCES business_profiles ON DELETE CASCADE,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 100),
  additional_comments text,
  report_status text NOT NULL DEFAULT 'PENDING'
    CHECK (report_status IN ('PENDING', 'REVIEWED', 'RESOLVED', 'DISMISSED')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX business_reports_open ON business_reports (user_id, business_id)
  WHERE report_status IN ('PENDING', 'REVIEWED');
CREATE INDEX business_reports_business ON business_reports (business_id);
CREATE INDEX business_reports_recent ON business_reports (created_at DESC, id DESC)
  WHERE report_status IN ('PENDING', 'REVIEWED');
