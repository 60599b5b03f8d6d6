"""Nouns of the library, and what is refused."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from majlis.features.media.model import Photo
from majlis.kit.errors import Conflict, Forbidden

# To whom an object is open without a signature: to everybody, to nobody, or to who has made it and was told its name.
Standing = Literal["public", "private", "loose"]


class Item(msgspec.Struct):
    """A picture or video that somebody keeps."""

    id: UUID
    user_id: UUID
    object: str  # the name under which its bytes are stored
    photo: Photo
    alt_text: str | None
    created_at: datetime

    @property
    def kind(self) -> Literal["image", "video"]:
        """What it is."""
        return "video" if self.photo.mime_type.startswith("video/") else "image"

    @property
    def suffix(self) -> str:
        """How the name of its file ends, with the dot."""
        return self.object[self.object.rfind(".") :]


class NotOwner(Forbidden):
    """Only who keeps something may delete it."""

    code, detail = "not_owner", "This is somebody else's."


class InUse(Conflict):
    """A post or something else shows it."""

    code, detail = "media_in_use", "This is in use; remove it from where it is shown first."
