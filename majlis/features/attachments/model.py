"""Nouns of files, and what is refused."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from majlis.kit.errors import Conflict, FieldFault, Invalid, NotFound, TooLarge

AWAITED = timedelta(hours=1)  # how long the bytes of a file may be under way
MAX_BYTES = 25 * 1024 * 1024
MAX_NAME = 255
MAX_KEY = 100

FileKind = Literal["image", "video", "audio", "document"]
ScanStatus = Literal["not_scanned"]
State = Literal["awaited", "filling", "stored", "ready"]


class File(msgspec.Struct, kw_only=True):
    """A file of a channel. Width and height are those of the largest of its `thumbnails`, which go by their longest
    edge; they and `url` are paths of this server, for who may see the file. No scanner looks at it."""

    id: UUID
    channel_id: UUID
    uploader_id: UUID | None
    name: str
    mime_type: str
    kind: FileKind
    size: int
    sha256: str
    url: str
    width: int | None
    height: int | None
    thumbnails: dict[str, str]
    scan_status: ScanStatus = "not_scanned"
    created_at: datetime


class MessageFile(msgspec.Struct, kw_only=True):
    """A file as a message carries it: an upload for everybody, or, with an `id`, a file of its conversation.

    Of one that was deleted, `deleted_at` says so and nothing else is left.
    """

    url: str
    name: str
    mime_type: str
    size: int
    width: int | None
    height: int | None
    thumbnail_url: str | None = None
    duration: float | UnsetType = UNSET
    id: UUID | UnsetType = UNSET
    channel_id: UUID | UnsetType = UNSET
    uploader_id: UUID | None | UnsetType = UNSET
    kind: FileKind | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    thumbnails: dict[str, str] | UnsetType = UNSET
    scan_status: ScanStatus | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    deleted_at: datetime | UnsetType = UNSET


class Stored(msgspec.Struct):
    """A file as it is stored, in whatever state."""

    id: UUID
    conversation_id: UUID | None
    user_id: UUID | None
    object: str
    name: str
    size: int
    state: State
    mime_type: str
    kind: FileKind
    sha256: str | None
    width: int | None
    height: int | None
    previews: list[int]
    created_at: datetime


class Space(msgspec.Struct, frozen=True):
    """What shares a limit of so many bytes; None for no limit."""

    id: UUID
    limit: int | None


class Declared(msgspec.Struct, frozen=True):
    """What is known of a file before its bytes are stored."""

    name: str
    size: int
    client_file_id: str | None = None
    sha256: str | None = None


class NoFile(NotFound):
    """There is no such file, or the caller may not know of it."""

    detail = "There is no such file."


class FileTooLarge(TooLarge):
    """A file beyond the limit."""

    code, detail = "file_too_large", f"A file has at most {MAX_BYTES // (1024 * 1024)} MiB."


class QuotaExceeded(TooLarge):
    """All files together would be beyond the limit."""

    code, detail = "quota_exceeded", "There is no room for this file any more."


class EmptyFile(Invalid):
    """A file without a byte."""

    code, detail = "empty_file", "The file is empty."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("file", self.code, self.detail)])


class NotTheSame(Invalid):
    """What came is not what was announced."""

    code, detail = "not_the_same", "The file is not the one that was announced."

    def __init__(self, field: str) -> None:
        super().__init__(fields=[FieldFault(field, self.code, self.detail)])


class UnderWay(Conflict):
    """Its bytes are being stored, or have been."""

    code, detail = "upload_under_way", "This file is uploaded already, or just now."


class NotUploaded(Conflict):
    """Its bytes have not come yet."""

    code, detail = "not_uploaded", "The bytes of this file are not there yet."


class NotThere(Invalid):
    """Files that a message cannot carry: not the caller's, of another conversation, not there any more."""

    code, detail = "unknown_file", "This is no file of yours in this conversation."

    def __init__(self, fields: list[str]) -> None:
        super().__init__(fields=[FieldFault(field, self.code, self.detail) for field in fields])
