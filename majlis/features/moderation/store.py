"""Rows of reports. While a report is open, the same reporter has no second one about the same."""

from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.moderation.model import UserReport
from majlis.kit.db import Query

# The no-op update returns the row that was there, and waits for one that another request is just storing.
REPORT_USER = Query(
    UserReport,
    """INSERT INTO user_reports
      (id, reported_user, reported_by_id, reason, description, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (reported_by_id, reported_user) WHERE NOT resolved DO UPDATE SET reason = user_reports.reason
    RETURNING id, reported_user, reported_by_id, reason, description, resolved, created_at, updated_at""",
)


class Row(msgspec.Struct):
    """A report about something published."""

    id: UUID
    user_id: UUID
    target: UUID
    reason: str
    additional_comments: str | None
    report_status: str
    created_at: datetime
    updated_at: datetime


_INTO = """INTO {table} (id, user_id, {target}, reason, additional_comments, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (user_id, {target}) WHERE report_status IN ('PENDING', 'REVIEWED') DO UPDATE SET reason = {table}.reason
RETURNING id, user_id, {target} AS target, reason, additional_comments, report_status, created_at, updated_at
"""
REPORT_POST = Query(Row, "INSERT " + _INTO.format(table="post_reports", target="post_id"))
REPORT_COMMENT = Query(Row, "INSERT " + _INTO.format(table="comment_reports", target="comment_id"))
