"""Direct conversations of a workspace over HTTP."""

from typing import cast
from uuid import UUID

from majlis.app import App
from majlis.features.channels.model import Channel
from majlis.features.directs import service
from majlis.features.directs.model import DirectOpen
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("channels")
ALL = "/api/v1/workspaces/{workspace_id}/dms"


@api.post(ALL, policy=access.user, status=201, also=200, errors=(403, 404))
async def open_direct(app: App, me: Me, workspace_id: UUID, body: DirectOpen) -> Channel:
    """The conversation with just these people of the workspace; 200 with the one there is."""
    async with app.db.tx() as tx:
        found, new = await service.open_direct(tx, me, workspace_id, body.user_ids)
    return cast(Channel, http.Answer(found, 201 if new else 200))


@api.get(ALL, policy=access.user, errors=(404,))
async def directs(app: App, me: Me, workspace_id: UUID, query: http.PageQuery) -> http.Listing[Channel]:
    """The caller's direct conversations in the workspace, the latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, workspace_id, query.paging()))
