"""Reports, for everybody, and what moderators make of them.

A new report answers 201, a second one about the same 200 with the first while that is open.
"""

from uuid import UUID

from majlis.app import App
from majlis.features.filters import service as filters
from majlis.features.filters.model import Rule, RuleBody, RuleQuery
from majlis.features.moderation import service
from majlis.features.moderation.model import (
    Action,
    Case,
    CaseDetail,
    CasesQuery,
    OpenBody,
    ReasonBody,
    Report,
    ReportBody,
    SuspendBody,
    UserReport,
    UserReportBody,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me, Origin

api = http.Api("moderation")
CASES, FILTERS = "/api/v1/moderation/cases", "/api/v1/moderation/filters"
CASE = CASES + "/{case_id}"


def _answer(found: tuple[Report | UserReport, bool]) -> http.Answer:
    report, new = found
    return http.Answer(report, 201 if new else 200)


@api.post(
    "/api/v1/users/{user_id}/report", policy=access.user, status=201, also=200, limit="report", errors=(404,)
)
async def report_user(app: App, me: Me, user_id: UUID, body: UserReportBody) -> UserReport:
    """Report a person to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_user(tx, me, user_id, body))  # type: ignore[return-value]


@api.post(
    "/api/v1/posts/{post_id}/report", policy=access.user, status=201, also=200, limit="report", errors=(404,)
)
async def report_post(app: App, me: Me, post_id: UUID, body: ReportBody) -> Report:
    """Report a post to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_post(tx, me, post_id, body))  # type: ignore[return-value]


@api.post(
    "/api/v1/comments/{comment_id}/report",
    policy=access.user,
    status=201,
    also=200,
    limit="report",
    errors=(404,),
)
async def report_comment(app: App, me: Me, comment_id: UUID, body: ReportBody) -> Report:
    """Report a comment to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_comment(tx, me, comment_id, body))  # type: ignore[return-value]


@api.post(
    "/api/v1/businesses/{business_id}/report",
    policy=access.user,
    status=201,
    also=200,
    limit="report",
    errors=(404,),
)
async def report_business(app: App, me: Me, business_id: UUID, body: ReportBody) -> Report:
    """Report a business to the moderators."""
    async with app.db.tx() as tx:
        return _answer(await service.report_business(tx, me, business_id, body))  # type: ignore[return-value]


# ---- for moderators


@api.get(CASES, policy=access.moderator)
async def list_cases(app: App, me: Me, query: CasesQuery) -> http.Listing[Case]:
    """The queue: one case about each thing or person, most reports first; without a state those that are open."""
    async with app.db.read() as tx:
        return http.listing(await service.queue(tx, me, query))


@api.post(CASES, policy=access.moderator, status=201, also=200, errors=(404,))
async def open_case(app: App, me: Me, body: OpenBody) -> CaseDetail:
    """Open a case about something that nobody reported. 200 with the open one if there is one."""
    async with app.db.tx() as tx:
        case, new = await service.open_case(tx, me, body)
    return http.Answer(case, 201 if new else 200)  # type: ignore[return-value]


@api.get(CASE, policy=access.moderator)
async def get_case(app: App, me: Me, case_id: UUID) -> CaseDetail:
    """One case: what was there, what is there now, who reported it, what was decided about this person before."""
    async with app.db.read() as tx:
        return await service.look(tx, me, case_id)


@api.post(CASE + "/claim", policy=access.moderator, errors=(409,))
async def claim_case(app: App, me: Me, case_id: UUID) -> CaseDetail:
    """Take a case for an hour, so that no two moderators decide it. Doing it again takes another hour."""
    async with app.db.tx() as tx:
        return await service.claim(tx, me, case_id, True)


@api.delete(CASE + "/claim", policy=access.moderator, errors=(409,))
async def release_case(app: App, me: Me, case_id: UUID) -> CaseDetail:
    """Leave a case to others."""
    async with app.db.tx() as tx:
        return await service.claim(tx, me, case_id, False)


@api.post(CASE + "/escalate", policy=access.moderator, errors=(409,))
async def escalate_case(app: App, me: Me, case_id: UUID, body: ReasonBody, origin: Origin) -> CaseDetail:
    """Leave a case to the admins, also one about somebody whom a moderator may not act on."""
    async with app.db.tx() as tx:
        return await service.escalate(tx, me, origin, case_id, body.reason)


async def _decide(
    app: App, me: Me, origin: Origin, case_id: UUID, action: Action, body: ReasonBody | SuspendBody
) -> CaseDetail:
    until = body.until if isinstance(body, SuspendBody) else None
    async with app.db.tx() as tx:
        return await service.decide(app, tx, me, origin, case_id, action, body.reason, until)


@api.post(CASE + "/hide", policy=access.moderator, errors=(409,))
async def hide(app: App, me: Me, case_id: UUID, body: ReasonBody, origin: Origin) -> CaseDetail:
    """Hide the post, comment or business from everybody but its author, who is told the reason."""
    return await _decide(app, me, origin, case_id, "hide", body)


@api.post(CASE + "/restore", policy=access.moderator, errors=(409,))
async def restore(app: App, me: Me, case_id: UUID, body: ReasonBody, origin: Origin) -> CaseDetail:
    """Show what was hidden again, or let what is held appear; its author is told the reason."""
    return await _decide(app, me, origin, case_id, "restore", body)


@api.post(CASE + "/suspend", policy=access.moderator, errors=(409,))
async def suspend(app: App, me: Me, case_id: UUID, body: SuspendBody, origin: Origin) -> CaseDetail:
    """Close the account of the person concerned, for good or until a time. Its sessions end within two seconds."""
    return await _decide(app, me, origin, case_id, "suspend", body)


@api.post(CASE + "/unsuspend", policy=access.moderator, errors=(409,))
async def unsuspend(app: App, me: Me, case_id: UUID, body: ReasonBody, origin: Origin) -> CaseDetail:
    """Open a suspended account again."""
    return await _decide(app, me, origin, case_id, "unsuspend", body)


@api.post(CASE + "/dismiss", policy=access.moderator, errors=(409,))
async def dismiss(app: App, me: Me, case_id: UUID, body: ReasonBody, origin: Origin) -> CaseDetail:
    """Close a case without a measure. Those who reported it are told the reason, and nobody else hears of it."""
    return await _decide(app, me, origin, case_id, "dismiss", body)


@api.get(FILTERS, policy=access.moderator)
async def list_filters(app: App, me: Me, query: RuleQuery) -> http.Listing[Rule]:
    """The words and links that are refused or held, newest first."""
    async with app.db.read() as tx:
        return http.listing(await filters.rules(tx, me, query))


@api.post(FILTERS, policy=access.moderator, status=201, errors=(409,))
async def add_filter(app: App, me: Me, body: RuleBody, origin: Origin) -> Rule:
    """Refuse or hold a word, a few words in a row, or a link from now on; what is published already stays."""
    async with app.db.tx() as tx:
        return await service.add_rule(tx, me, origin, body)


@api.delete(FILTERS + "/{rule_id}", policy=access.moderator, status=204)
async def remove_filter(app: App, me: Me, rule_id: UUID, origin: Origin) -> None:
    """Take a word or link off the list. What it held stays held."""
    async with app.db.tx() as tx:
        await service.remove_rule(tx, me, origin, rule_id)
