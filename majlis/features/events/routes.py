"""Events over HTTP."""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from majlis.app import App
from majlis.features.events import service
from majlis.features.events.model import EventInterest, EventsQuery, StanceBody, Standing
from majlis.features.posts.model import Post
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("events")
EVENTS = "/api/v1/events"
ONE = EVENTS + "/{post_id}"
CALENDAR = "text/calendar"


@api.get(EVENTS, policy=access.optional)
async def events(app: App, me: Me, query: EventsQuery) -> http.Listing[Post]:
    """Events with filters that combine freely; those that are not over, soonest first, unless asked otherwise."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(app, tx, me, query))


@api.get(ONE, policy=access.optional)
async def get_event(app: App, me: Me, post_id: UUID) -> Post:
    """One event. Posts of other types are not found here."""
    async with app.db.read() as tx:
        return await service.get(tx, me, post_id)


@api.get(ONE + "/calendar.ics", policy=access.optional, content_type=CALENDAR)
async def get_calendar(app: App, me: Me, post_id: UUID) -> Any:
    """One event as a file for calendars. Taken in again, it replaces what it was before."""
    async with app.db.read() as tx:
        post = await service.get(tx, me, post_id)
    headers = {
        "Content-Disposition": 'attachment; filename="event.ics"',
        "Cache-Control": "private, no-cache",
    }
    return Response(service.calendar(post), media_type=CALENDAR, headers=headers)


@api.post(ONE + "/interest", policy=access.user, errors=(409,))
async def take_stance(app: App, me: Me, post_id: UUID, body: StanceBody) -> Standing:
    """Say that the caller is interested, goes, or neither. Saying it again changes nothing."""
    async with app.db.tx() as tx:
        return await service.take_stance(tx, me, post_id, body.event_state)


@api.get(ONE + "/interested", policy=access.optional)
async def interested(app: App, me: Me, post_id: UUID, query: http.PageQuery) -> http.Listing[EventInterest]:
    """Who is interested, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.people(tx, me, post_id, "interested", query.paging()))


@api.get(ONE + "/going", policy=access.optional)
async def going(app: App, me: Me, post_id: UUID, query: http.PageQuery) -> http.Listing[EventInterest]:
    """Who goes there, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.people(tx, me, post_id, "going", query.paging()))
