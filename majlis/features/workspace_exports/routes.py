"""Exports of workspaces over HTTP."""

from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response, StreamingResponse

from majlis.app import App
from majlis.features.workspace_exports import service
from majlis.features.workspace_exports.model import ExportAsk, FileQuery, WorkspaceExport
from majlis.kit import http
from majlis.kit.http import Request, access
from majlis.kit.me import Me

api = http.Api("workspaces")
EXPORTS = "/api/v1/workspaces/{workspace_id}/exports"
ONE = service.PATH + "/{export_id}"
PRIVATE = {"Cache-Control": "private, no-store"}


@api.post(EXPORTS, policy=access.strong, status=202, errors=(403, 404, 409))
async def ask(app: App, me: Me, workspace_id: UUID, body: ExportAsk) -> WorkspaceExport:
    """Have a zip made in the layout of Slack's: of public channels for admins, of everything for the owner.

    Everybody in the workspace is told of the latter.
    """
    async with app.db.tx() as tx:
        return await service.ask(app, tx, me, workspace_id, body)


@api.get(EXPORTS, policy=access.strong, errors=(403, 404))
async def exports(
    app: App, me: Me, workspace_id: UUID, query: http.PageQuery
) -> http.Listing[WorkspaceExport]:
    """The zips of a workspace and how far they are, for admins. They are deleted after a week."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, workspace_id, query.paging()))


@api.get(
    ONE + "/download", policy=access.strong, status=302, content_type=service.ZIP, errors=(403, 404, 409)
)
async def download(app: App, me: Me, export_id: UUID) -> Any:
    """Leads to the file for a minute, for who asked for it and the owner of the workspace."""
    return RedirectResponse(await service.link(app, me, export_id), 302, PRIVATE)


@api.get(ONE + "/file", policy=access.none, content_type=service.ZIP, errors=(404,))
async def fetch(app: App, me: Me, request: Request, export_id: UUID, query: FileQuery) -> Any:
    """The file, by the link that the download leads to: it needs no token, and ends after a minute."""
    info, pieces = await service.fetch(app, me, export_id, query)
    headers = {**PRIVATE, "Content-Length": str(info.size), "Content-Disposition": service.DISPOSITION}
    if request.method == "HEAD":
        return Response(headers=headers, media_type=service.ZIP)
    return StreamingResponse(pieces, media_type=service.ZIP, headers=headers)
