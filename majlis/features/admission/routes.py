"""Admission over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from majlis.app import App
from majlis.features.admission import service
from majlis.features.admission.model import (
    AdmissionKey,
    Attendance,
    CheckIn,
    GuestList,
    ScannedAll,
    ScansBody,
    TicketCode,
)
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("tickets")
TICKET = "/api/v1/tickets/{ticket_id}"
EVENT = "/api/v1/events/{post_id}"
SVG = "image/svg+xml"


class GuestsQuery(msgspec.Struct, kw_only=True):
    """Where the list goes on."""

    cursor: Annotated[str, Meta(max_length=500, description="`next_cursor` of the part before")] | None = None


class AdmissionKeys(msgspec.Struct):
    """The newest first."""

    data: list[AdmissionKey]


@api.get(TICKET + "/code", policy=access.owner, errors=(409,))
async def code(app: App, me: Me, ticket_id: UUID) -> TicketCode:
    """What a ticket shows at the door."""
    async with app.db.tx() as tx:
        return await service.code(app, tx, me, ticket_id)


@api.get(TICKET + "/qr.svg", policy=access.owner, content_type=SVG, errors=(409,))
async def qr(app: App, me: Me, ticket_id: UUID) -> Any:
    """The same as a picture."""
    async with app.db.tx() as tx:
        shown = await service.code(app, tx, me, ticket_id)
    return Response(
        service.picture(shown.token), media_type=SVG, headers={"Cache-Control": "private, no-store"}
    )


@api.get(EVENT + "/guests", policy=access.owner, errors=(403,))
async def guests(app: App, me: Me, post_id: UUID, query: GuestsQuery) -> GuestList:
    """What a scanner needs to work without a network: the keys, and the tickets that let in. Stewards may ask too."""
    async with app.db.read() as tx:
        return await service.guests(tx, me, post_id, query.cursor)


@api.post(EVENT + "/check-ins", policy=access.owner, errors=(400, 403))
async def check_in(app: App, me: Me, post_id: UUID, body: ScansBody) -> ScannedAll:
    """Let people in, or tell who was let in while there was no network. Sent again, it changes nothing.

    Stewards may do it too; they are not told of the ticket more than its kind.
    """
    async with app.db.tx() as tx:
        return ScannedAll(await service.check_in(tx, me, post_id, body))


@api.get(EVENT + "/check-ins", policy=access.owner, errors=(403,))
async def came(app: App, me: Me, post_id: UUID, query: PageQuery) -> Listing[CheckIn]:
    """Who came, the latest first."""
    async with app.db.read() as tx:
        return listing(await service.came(tx, me, post_id, query.paging()))


@api.get(EVENT + "/attendance", policy=access.owner, errors=(403,))
async def attendance(app: App, me: Me, post_id: UUID) -> Attendance:
    """How many came, of how many who may."""
    async with app.db.read() as tx:
        return await service.attendance(tx, me, post_id)


@api.post("/api/v1/admission-keys", policy=access.admin, status=201, errors=(409,))
async def rotate(app: App, me: Me) -> AdmissionKeys:
    """Sign tickets with a new key from now on. What older ones signed stays good."""
    async with app.db.tx() as tx:
        return AdmissionKeys(await service.rotate(app, tx, me))
