"""Nouns of uploads."""

from typing import Annotated

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, Forbidden

Url = Annotated[str, Meta(max_length=2000)]


class Photo(msgspec.Struct):
    """A stored picture, or a video with its poster as thumbnail. `size` is in bytes, dimensions are those as stored.

    Addresses of what is not for everybody are signed: they are good for one to two days. Read them anew then.
    """

    url: Url
    name: Annotated[str, Meta(max_length=255)]
    mime_type: Annotated[str, Meta(max_length=100)]
    size: int
    width: int
    height: int
    thumbnail_url: Url | None = None


class Video(Photo):
    """A stored video: seconds where it says. Dimensions are 0 where nothing could look into it."""

    duration: float | None = None


class Uploaded(msgspec.Struct):
    """An upload that nothing refers to yet. `path` is what DELETE /api/v1/upload/{path} takes."""

    url: str
    path: str
    photo: Photo


class NotUploader(Forbidden):
    """Only who uploaded a file may delete it."""

    code, detail = "not_uploader", "This file was uploaded by somebody else."


class StillAttached(Conflict):
    """Something refers to the file."""

    code, detail = "still_attached", "This file is in use; remove it from where it is shown first."
