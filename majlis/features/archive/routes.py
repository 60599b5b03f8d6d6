"""Searching what was said, over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.archive import service
from majlis.features.archive.model import ArchiveQuery, SearchResults
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("messages")


@api.get("/api/v1/workspaces/{workspace_id}/search", policy=access.user, errors=(404,))
async def search(app: App, me: Me, workspace_id: UUID, query: ArchiveQuery) -> SearchResults:
    """Messages that the caller may read, by words and operators: `"exact phrase"`, `beginning*`, `-without`,
    `in:#channel`, `from:@name`, `from:me`, `before:`, `after:` and `on:` a day, `has:link`, `file`, `image`,
    `reaction` or `pin`, `is:thread`. Several `in:` or `from:` are alternatives.
    """
    async with app.db.read() as tx:
        return await service.search(tx, me, workspace_id, query)
