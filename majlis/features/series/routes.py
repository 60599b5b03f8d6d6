"""Series of events over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.series import service
from majlis.features.series.model import Series, SeriesBody
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("events")
SERIES = "/api/v1/events/{post_id}/series"


@api.post(SERIES, policy=access.owner, status=201, errors=(403, 409))
async def repeat(app: App, me: Me, post_id: UUID, body: SeriesBody) -> Series:
    """Let an event take place again: each time an event of its own, with the same tickets."""
    async with app.db.tx() as tx:
        return await service.repeat(tx, me, post_id, body)


@api.get(SERIES, policy=access.optional)
async def series(app: App, me: Me, post_id: UUID) -> Series:
    """The series that an event belongs to."""
    async with app.db.read() as tx:
        return await service.get(tx, me, post_id)


@api.delete(SERIES, policy=access.owner, errors=(403,))
async def end(app: App, me: Me, post_id: UUID) -> None:
    """Delete the events that come after this one; who bought tickets gets the money back."""
    async with app.db.tx() as tx:
        await service.end(tx, me, post_id)
