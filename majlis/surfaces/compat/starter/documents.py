"""Documents that several people write."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import Meta, field

from majlis.app import App
from majlis.features.documents import model
from majlis.features.documents import service as documents
from majlis.features.documents.model import MAX_COLLABORATORS
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.shapes import Document, Shape, says

api = http.Api("documents")
ALL = "/api/v1/documents"
ONE = ALL + "/{document_id}"
PEOPLE = ONE + "/collaborators"


class DocumentCreate(Shape, kw_only=True):
    """A new document, and who else may write it."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "ownerId", "version", "createdAt", "updatedAt"})

    title: model.Title
    content: dict[str, Any] = field(default_factory=dict)
    collaborators: Annotated[list[UUID], Meta(max_length=MAX_COLLABORATORS)] = field(default_factory=list)


class DocumentUpdate(Shape, kw_only=True):
    """New values by name; null deletes. A version that is given must be the present one."""

    changes: dict[str, Any]
    version: Annotated[int, Meta(ge=1)] | None = None


class CollaboratorAdd(Shape, kw_only=True):
    """Who may write it, too."""

    user_id: UUID


def _shown(found: model.Document) -> Document:
    return Document(
        found.id, found.title, found.content, found.owner_id, found.collaborators, found.version, found.created_at,
        found.updated_at,
    )  # fmt: skip


@api.post(ALL, policy=access.user, status=201, errors=(404,))
@says("Document created successfully")
async def create(app: App, me: Me, body: DocumentCreate) -> Document:
    """Make a document."""
    made = model.DocumentCreate(title=body.title, content=body.content, collaborators=body.collaborators)
    async with app.db.tx() as tx:
        return _shown(await documents.create(tx, me, made))


@api.get(ONE, policy=access.user, errors=(404,))
@says("Document retrieved successfully")
async def get(app: App, me: Me, document_id: UUID) -> Document:
    """One document, for its owner and collaborators."""
    async with app.db.read() as tx:
        return _shown(await documents.get(tx, me, document_id))


@api.patch(ONE, policy=access.user, errors=(404, 409))
@says("Document updated successfully")
async def update(app: App, me: Me, document_id: UUID, body: DocumentUpdate) -> Document:
    """Change a document; the others hear of it. 409 where somebody was faster."""
    async with app.db.tx() as tx:
        return _shown(await documents.patch(tx, me, document_id, body.changes, body.version))


@api.post(PEOPLE, policy=access.user, errors=(403, 404))
@says("Collaborator added successfully")
async def add_collaborator(app: App, me: Me, document_id: UUID, body: CollaboratorAdd) -> Document:
    """Let somebody write a document of one's own."""
    async with app.db.tx() as tx:
        return _shown(await documents.add_collaborator(tx, me, document_id, body.user_id))


@api.delete(PEOPLE + "/{user_id}", policy=access.user, status=200, errors=(403, 404))
@says("Collaborator removed successfully")
async def remove_collaborator(app: App, me: Me, document_id: UUID, user_id: UUID) -> Document:
    """Let somebody write it no more."""
    async with app.db.tx() as tx:
        return _shown(await documents.remove_collaborator(tx, me, document_id, user_id))
