"""Drafts and scheduled messages over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.composing import service
from majlis.features.composing.model import (
    DraftQuery,
    DraftSave,
    PlanCreate,
    Planned,
    PlanUpdate,
    ScheduleCreate,
    Scheduled,
    ScheduleQuery,
    ScheduleUpdate,
    UnsentMessage,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("composing")
DRAFT = "/api/v1/conversations/{conversation_id}/draft"
ALL = "/api/v1/scheduled-messages"
ONE = ALL + "/{scheduled_id}"
PLAN = "/api/v1/scheduled_messages/{scheduled_id}"


@api.get("/api/v1/message-drafts", policy=access.user)
async def drafts(app: App, me: Me, query: http.PageQuery) -> http.Listing[UnsentMessage]:
    """What the caller has begun to write, the latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.drafts(tx, me, query.paging()))


@api.put(DRAFT, policy=access.user, errors=(404,))
async def save(app: App, me: Me, conversation_id: UUID, body: DraftSave) -> UnsentMessage:
    """Keep what the caller has begun to write in a conversation or thread."""
    async with app.db.tx() as tx:
        return await service.save(tx, me, conversation_id, body)


@api.delete(DRAFT, policy=access.user, status=204, errors=(404,))
async def discard(app: App, me: Me, conversation_id: UUID, query: DraftQuery) -> None:
    """Drop a draft."""
    async with app.db.tx() as tx:
        await service.discard(tx, me, conversation_id, query.thread_root_id)


@api.get(ALL, policy=access.user)
async def scheduled(app: App, me: Me, query: ScheduleQuery) -> http.Listing[Scheduled]:
    """The caller's messages that wait, were sent, or were refused at their time; the next first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, query.state, query.paging()))


@api.post(ALL, policy=access.user, status=201, errors=(404, 409))
async def schedule(app: App, me: Me, body: ScheduleCreate) -> Scheduled:
    """Say something later."""
    async with app.db.tx() as tx:
        return await service.schedule(tx, me, body)


@api.put(ONE, policy=access.user, errors=(404, 409))
async def reschedule(app: App, me: Me, scheduled_id: UUID, body: ScheduleUpdate) -> Scheduled:
    """Change the time or the text of a message that waits."""
    async with app.db.tx() as tx:
        return await service.reschedule(tx, me, scheduled_id, body)


@api.delete(ONE, policy=access.user, status=204, errors=(404,))
async def cancel(app: App, me: Me, scheduled_id: UUID) -> None:
    """Do not send a message that waits, or drop it from the list."""
    async with app.db.tx() as tx:
        await service.cancel(tx, me, scheduled_id)


# ---- in channels


@api.post(
    "/api/v1/channels/{channel_id}/scheduled_messages", policy=access.user, status=201, errors=(403, 404, 409)
)
async def plan(app: App, me: Me, channel_id: UUID, body: PlanCreate) -> Planned:
    """Say something in a channel later. Whether one may is asked again at that time."""
    async with app.db.tx() as tx:
        return await service.plan(tx, me, channel_id, body)


@api.get("/api/v1/workspaces/{workspace_id}/scheduled_messages", policy=access.user, errors=(404,))
async def plans(app: App, me: Me, workspace_id: UUID, query: http.PageQuery) -> http.Listing[Planned]:
    """What the caller will say in channels of the workspace, or could not at its time; the next first."""
    async with app.db.read() as tx:
        return http.listing(await service.plans(tx, me, workspace_id, query.paging()))


@api.route("PATCH", PLAN, policy=access.user, errors=(404, 409))
async def replan(app: App, me: Me, scheduled_id: UUID, body: PlanUpdate) -> Planned:
    """Change the time or the text of what waits for a channel. 409 once it is sent."""
    async with app.db.tx() as tx:
        return await service.replan(tx, me, scheduled_id, body)


@api.delete(PLAN, policy=access.user, status=204, errors=(404,))
async def unplan(app: App, me: Me, scheduled_id: UUID) -> None:
    """Do not say in a channel what waits, or drop it from the list."""
    async with app.db.tx() as tx:
        await service.cancel(tx, me, scheduled_id, service.CHANNEL)
