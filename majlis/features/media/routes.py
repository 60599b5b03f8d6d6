"""Uploads over HTTP."""

from typing import Any

from majlis.app import App
from majlis.features.media import service
from majlis.features.media.model import Uploaded
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me
from majlis.vendors.images import Kind

api = http.Api("upload")
# One picture of 10 MiB and the form around it.
FORM: dict[str, Any] = {
    "max_files": 1,
    "multipart_only": True,
    "max_body": 11 * 1024 * 1024,
    "limit": "upload",
    "errors": (400, 413, 415),
}


@api.post("/api/v1/upload", policy=access.user, status=201, **FORM)
async def upload(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture, at most 1200 wide. Unless something refers to it, it is removed after 24 hours."""
    return await service.store(app, me, file, Kind.GENERIC)


@api.post("/api/v1/upload/avatar", policy=access.user, status=201, **FORM)
async def upload_avatar(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture cropped to 400 x 400."""
    return await service.store(app, me, file, Kind.AVATAR)


@api.post("/api/v1/upload/cover", policy=access.user, status=201, **FORM)
async def upload_cover(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture cropped to 1600 x 900."""
    return await service.store(app, me, file, Kind.COVER)


@api.post("/api/v1/upload/post", policy=access.user, status=201, **FORM)
async def upload_post(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture for a post, at most 1200 wide."""
    return await service.store(app, me, file, Kind.POST)


@api.post("/api/v1/upload/comment", policy=access.user, status=201, **FORM)
async def upload_comment(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture for a comment, at most 1200 wide."""
    return await service.store(app, me, file, Kind.COMMENT)


@api.post("/api/v1/upload/business", policy=access.user, status=201, **FORM)
async def upload_business(app: App, me: Me, file: Upload) -> Uploaded:
    """Store a picture for a business, at most 1200 wide."""
    return await service.store(app, me, file, Kind.BUSINESS)


@api.delete("/api/v1/upload/{path...}", policy=access.owner, status=204, errors=(403, 404, 409))
async def delete_upload(app: App, me: Me, path: str) -> None:
    """Delete a file of one's own, with its thumbnail, while nothing refers to it."""
    await service.delete(app, me, path)
