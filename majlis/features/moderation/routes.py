"""Reports over HTTP: 201 for a new one, 200 with the first one while that is open."""

from uuid import UUID

from majlis.app import App
from majlis.features.moderation import service
from majlis.features.moderation.model import Report, ReportBody, UserReport, UserReportBody
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("moderation")


def _answer(found: tuple[Report | UserReport, bool]) -> http.Answer:
    report, new = found
    return http.Answer(report, 201 if new else 200)


@api.post("/api/v1/users/{user_id}/report", policy=access.user, status=201, errors=(404,))
async def report_user(app: App, me: Me, user_id: UUID, body: UserReportBody) -> UserReport:
    """Report a person to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_user(tx, me, user_id, body))  # type: ignore[return-value]


@api.post("/api/v1/posts/{post_id}/report", policy=access.user, status=201, errors=(404,))
async def report_post(app: App, me: Me, post_id: UUID, body: ReportBody) -> Report:
    """Report a post to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_post(tx, me, post_id, body))  # type: ignore[return-value]


@api.post("/api/v1/comments/{comment_id}/report", policy=access.user, status=201, errors=(404,))
async def report_comment(app: App, me: Me, comment_id: UUID, body: ReportBody) -> Report:
    """Report a comment to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_comment(tx, me, comment_id, body))  # type: ignore[return-value]
