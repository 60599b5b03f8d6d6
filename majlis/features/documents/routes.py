"""Documents over HTTP, by values and by updates of replicas."""

import base64
import binascii
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.documents import service
from majlis.features.documents.model import (
    BadUpdate,
    CollaboratorAdd,
    Document,
    DocumentCreate,
    DocumentLine,
    DocumentPatch,
    Encoded,
    Update,
    UpdateBody,
    Version,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("documents")
ALL = "/api/v1/documents"
ONE = ALL + "/{document_id}"
UPDATES = ONE + "/updates"
PEOPLE = ONE + "/collaborators"


class Lacking(msgspec.Struct, kw_only=True):
    """What a replica has: its state vector. Without one it has nothing."""

    vector: Encoded | None = None


@api.get(ALL, policy=access.user)
async def documents(app: App, me: Me, query: http.PageQuery) -> http.Listing[DocumentLine]:
    """The caller's documents and those shared with them, the latest change first."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, query.paging()))


@api.post(ALL, policy=access.user, status=201, errors=(404,))
async def create(app: App, me: Me, body: DocumentCreate) -> Document:
    """A new document."""
    async with app.db.tx() as tx:
        return await service.create(tx, me, body)


@api.get(ONE, policy=access.user, errors=(404,))
async def document(app: App, me: Me, document_id: UUID) -> Document:
    """One document."""
    async with app.db.read() as tx:
        return await service.get(tx, me, document_id)


@api.patch(ONE, policy=access.user, errors=(404, 409))
async def patch(app: App, me: Me, document_id: UUID, body: DocumentPatch) -> Document:
    """Set values by name, null to take one away. 409 when `version` is given and not the present one."""
    async with app.db.tx() as tx:
        return await service.patch(tx, me, document_id, body.changes, body.version)


@api.delete(ONE, policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, document_id: UUID) -> None:
    """Delete a document of one's own."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, document_id)


@api.get(UPDATES, policy=access.user, errors=(404,))
async def missing(app: App, me: Me, document_id: UUID, query: Lacking) -> Update:
    """What a replica lacks, as one update."""
    vector = None if query.vector is None else _bytes(query.vector, "vector")
    async with app.db.fresh() as tx:
        version, update = await service.missing(tx, me, document_id, vector)
    return Update(version, base64.b64encode(update).decode())


@api.post(UPDATES, policy=access.user, errors=(404,))
async def merge(app: App, me: Me, document_id: UUID, body: UpdateBody) -> Version:
    """Send what a replica changed, in any order; again changes nothing."""
    update = _bytes(body.update, "update")
    async with app.db.tx() as tx:
        return Version(await service.merge(tx, me, document_id, update))


def _bytes(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadUpdate(field) from error


@api.post(PEOPLE, policy=access.user, errors=(403, 404))
async def add_collaborator(app: App, me: Me, document_id: UUID, body: CollaboratorAdd) -> Document:
    """Let somebody edit a document of one's own; again changes nothing."""
    async with app.db.tx() as tx:
        return await service.add_collaborator(tx, me, document_id, body.user_id)


@api.delete(PEOPLE + "/{user_id}", policy=access.user, errors=(403, 404))
async def remove_collaborator(app: App, me: Me, document_id: UUID, user_id: UUID) -> Document:
    """Let somebody edit it no more."""
    async with app.db.tx() as tx:
        return await service.remove_collaborator(tx, me, document_id, user_id)
