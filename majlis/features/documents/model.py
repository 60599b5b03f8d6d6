"""Nouns of documents, and what is refused."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, FieldFault, Invalid, NotFound

MAX_COLLABORATORS = 100
MAX_CHANGES = 48 * 1024  # bytes of JSON of one change
MAX_STATE = 1024 * 1024  # bytes of a document with all it remembers
MAX_ENCODED = 88 * 1024  # characters of an update, in base64

Title = Annotated[str, Meta(min_length=1, max_length=255, examples=["Guest list"])]
Encoded = Annotated[str, Meta(max_length=MAX_ENCODED, description="bytes of Yjs, in base64")]


class DocumentCreate(msgspec.Struct, kw_only=True):
    """A new document of the caller, and with whom they share it."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "owner_id", "version", "created_at"})

    title: Title
    content: dict[str, Any] = {}
    collaborators: Annotated[list[UUID], Meta(max_length=MAX_COLLABORATORS)] = []


class DocumentPatch(msgspec.Struct, kw_only=True):
    """New values by name; null takes one away. With a version, it must be the present one."""

    changes: dict[str, Any]
    version: Annotated[int, Meta(ge=1)] | None = None


class CollaboratorAdd(msgspec.Struct, kw_only=True):
    """Whom to let edit."""

    user_id: UUID


class UpdateBody(msgspec.Struct, kw_only=True):
    """An update of a replica: whatever its order, and however often it comes, all replicas end up the same."""

    update: Encoded


class Document(msgspec.Struct):
    """A document as those see it who may edit it. Every change adds one to its version."""

    id: UUID
    title: str
    content: dict[str, Any]
    owner_id: UUID
    collaborators: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime


class DocumentLine(msgspec.Struct):
    """A document in a list."""

    id: UUID
    title: str
    owner_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime


class Update(msgspec.Struct):
    """What a replica lacks, as an update, and the version with it."""

    version: int
    update: str


class Version(msgspec.Struct):
    """The version of a document that holds an update."""

    version: int


class NoDocument(NotFound):
    """There is no such document, or it is not shared with the caller."""

    detail = "There is no such document."


class Stale(Conflict):
    """Somebody else was faster."""

    code, detail = "stale_version", "Somebody changed this meanwhile. Load it again and retry."


class BadUpdate(Invalid):
    """Nothing that can be merged."""

    def __init__(self, field: str = "update") -> None:
        super().__init__(fields=[FieldFault(field, "invalid", "This cannot be merged.")])


class TooBig(Invalid):
    """A document beyond the limit."""

    code, detail = "document_too_large", f"A document has at most {MAX_STATE} bytes."

    def __init__(self, field: str = "update") -> None:
        super().__init__(fields=[FieldFault(field, "too_long", self.detail)])
