"""What asks for somebody, over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.attention import service
from majlis.features.attention.model import AttentionQuery, Thread
from majlis.features.discussions.model import ChannelMessage
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("messages")
WORKSPACE = "/api/v1/workspaces/{workspace_id}"


@api.get(WORKSPACE + "/mentions", policy=access.user, errors=(404,))
async def mentions(
    app: App, me: Me, workspace_id: UUID, query: AttentionQuery
) -> http.Listing[ChannelMessage]:
    """Messages that mention the caller, or everybody in a channel of theirs, the latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.mentions(tx, me, workspace_id, query))


@api.get(WORKSPACE + "/threads", policy=access.user, errors=(404,))
async def threads(app: App, me: Me, workspace_id: UUID, query: AttentionQuery) -> http.Listing[Thread]:
    """Threads that the caller follows, the latest reply first."""
    async with app.db.read() as tx:
        return http.listing(await service.threads(tx, me, workspace_id, query))
