"""Verbs of reports: tell the moderators about a person or something published.

Each returns the report and whether it is new; a second one about the same is answered with the first
while that is open (rule 99).
"""

from uuid import UUID

from majlis.features.comments import service as comments
from majlis.features.graph import service as graph
from majlis.features.moderation import store
from majlis.features.moderation.model import OwnContent, Report, ReportBody, UserReport, UserReportBody
from majlis.features.posts import service as posts
from majlis.kit import clock, ids
from majlis.kit.db import Query, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me


def _reason(text: str) -> str:
    words = text.strip()
    if not words:
        raise Invalid.field("reason", "Give a reason.", "required")
    return words


async def report_user(tx: Tx, me: Me, user_id: UUID, body: UserReportBody) -> tuple[UserReport, bool]:
    """Report a person (rule 98). Raises NotFound, OwnContent, Invalid without a reason."""
    if user_id == me.user():
        raise OwnContent()
    await graph.visible_person(tx, me, user_id)
    report_id = ids.new()
    report = await tx.one(
        store.REPORT_USER, report_id, user_id, me.id, _reason(body.reason), body.description, clock.now()
    )
    if report is None:
        raise LookupError("an upsert returns its row")
    return report, report.id == report_id


async def report_post(tx: Tx, me: Me, post_id: UUID, body: ReportBody) -> tuple[Report, bool]:
    """Report a post (rule 95). Raises NotFound, OwnContent, Invalid without a reason."""
    post = await posts.get(tx, me, post_id)
    if post.user_id == me.user():
        raise OwnContent()
    row, new = await _store(tx, me, store.REPORT_POST, post_id, body)
    return _report(row, post_id=row.target), new


async def report_comment(tx: Tx, me: Me, comment_id: UUID, body: ReportBody) -> tuple[Report, bool]:
    """Report a comment (rule 96). Raises NotFound, OwnContent, Invalid without a reason."""
    comment = await comments.get(tx, me, comment_id)
    if comment.deleted:
        raise NotFound()
    if comment.user_id == me.user():
        raise OwnContent()
    row, new = await _store(tx, me, store.REPORT_COMMENT, comment_id, body)
    return _report(row, comment_id=row.target), new


async def _store(
    tx: Tx, me: Me, query: Query[store.Row], target: UUID, body: ReportBody
) -> tuple[store.Row, bool]:
    report_id = ids.new()
    row = await tx.one(
        query, report_id, me.user(), target, _reason(body.reason), body.additional_comments, clock.now()
    )
    if row is None:
        raise LookupError("an upsert returns its row")
    return row, row.id == report_id


def _report(row: store.Row, **target: UUID) -> Report:
    return Report(
        id=row.id,
        user_id=row.user_id,
        reason=row.reason,
        additional_comments=row.additional_comments,
        report_status=row.report_status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        **target,
    )
