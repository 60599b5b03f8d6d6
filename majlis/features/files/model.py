"""What clients send and get of files."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.attachments.model import MAX_KEY, MAX_NAME, FileKind
from majlis.features.attachments.model import File as File
from majlis.kit.errors import Forbidden, NotFound
from majlis.kit.http import PageQuery

ClientKey = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-fA-F]{64}\Z", examples=["9f" * 32])]


class FileForm(msgspec.Struct, kw_only=True):
    """What stands beside a file in a form: a key that is kept when it is tried again, and whether to post it."""

    not_writable: ClassVar[frozenset[str]] = frozenset(
        {"id", "channel_id", "uploader_id", "mime_type", "size"}
    )

    client_file_id: ClientKey | None = None
    share: bool = False


class UploadStart(msgspec.Struct, kw_only=True):
    """What is to be uploaded. Type and size are told by the bytes themselves in the end."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME, examples=["plan.pdf"])]
    size: Annotated[int, Meta(ge=1, le=2**53)]
    mime_type: Annotated[str, Meta(max_length=200)] = ""
    sha256: Sha256 | None = None
    client_file_id: ClientKey | None = None


class UploadTicket(msgspec.Struct):
    """Where the bytes go: one request of this method with these headers, before it expires; then `complete`."""

    upload_id: UUID
    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


class UploadFinish(msgspec.Struct, kw_only=True):
    """What the bytes are to be, and whether to post the file."""

    sha256: Sha256 | None = None
    share: bool = False


class PutQuery(msgspec.Struct, kw_only=True):
    """The proof that an upload is the bearer's, and until when (seconds since 1970)."""

    expires: Annotated[int, Meta(ge=0, le=2**40)]
    signature: Annotated[str, Meta(max_length=100)]


class FilesQuery(PageQuery, kw_only=True):
    """Which files of a channel."""

    kind: FileKind | None = None


class ContentQuery(msgspec.Struct, kw_only=True):
    """The file itself, or one of its thumbnails."""

    thumbnail: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class NoUpload(NotFound):
    """There is no such upload, or its time is over."""

    detail = "There is no such upload."


class NotUploader(Forbidden):
    """Only who uploaded a file and moderators may do this."""

    code, detail = "not_uploader", "Only who uploaded this file and moderators may delete it."
