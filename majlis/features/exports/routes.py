"""Copies of one's own data over HTTP."""

from typing import Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from majlis.app import App
from majlis.features.exports import service
from majlis.features.exports.model import Export, LinkQuery
from majlis.kit import http
from majlis.kit.http import Request, access
from majlis.kit.me import Me

api = http.Api("profile")


@api.post(service.PATH, policy=access.strong, status=202, errors=(409,))
async def ask_export(app: App, me: Me) -> Export:
    """Have a copy of everything that the server holds of the caller made. One at a time, one a day."""
    async with app.db.tx() as tx:
        return await service.ask(tx, me)


@api.get(service.PATH, policy=access.strong, errors=(404,))
async def get_export(app: App, me: Me) -> Export:
    """How far the latest copy is; once it is ready, with a link to the file that is good for an hour."""
    async with app.db.read() as tx:
        return await service.latest(app, tx, me)


@api.get(service.PATH + "/{export_id}", policy=access.none, content_type=service.ZIP, errors=(404,))
async def fetch_export(app: App, me: Me, request: Request, export_id: UUID, query: LinkQuery) -> Any:
    """The file, by the link of `GET /api/v1/users/me/export`: it needs no token, and ends soon."""
    info, pieces = await service.fetch(app, me, export_id, query)
    headers = {
        "Content-Length": str(info.size),
        "Content-Disposition": 'attachment; filename="my-data.zip"',
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=service.ZIP)
    return StreamingResponse(pieces, media_type=service.ZIP, headers=headers)
