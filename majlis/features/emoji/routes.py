"""A workspace's own emoji over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.emoji import service
from majlis.features.emoji.model import Emoji, EmojiCreate, EmojiList
from majlis.kit import http
from majlis.kit.http import Upload, access
from majlis.kit.me import Me

api = http.Api("workspaces")
ALL = "/api/v1/workspaces/{workspace_id}/emoji"
FORM_BYTES = 512 * 1024  # a picture of 256 KiB and the form around it


@api.get(ALL, policy=access.user, errors=(404,))
async def emoji(app: App, me: Me, workspace_id: UUID) -> EmojiList:
    """All emoji of the workspace's own, by name."""
    async with app.db.read() as tx:
        return EmojiList(await service.listing(tx, me, workspace_id))


@api.post(
    ALL,
    policy=access.user,
    status=201,
    limit="upload",
    max_files=1,
    max_body=FORM_BYTES,
    errors=(403, 404, 409, 413, 415),
)
async def create(app: App, me: Me, workspace_id: UUID, body: EmojiCreate, files: list[Upload]) -> Emoji:
    """Make an emoji: a form with its `name` and the picture as `file`, at most 256 KiB; or JSON with `alias_of`."""
    return await service.create(app, me, workspace_id, body, files)


@api.delete(ALL + "/{name}", policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, workspace_id: UUID, name: str) -> None:
    """Remove an emoji and its other names, for who made it and admins."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, workspace_id, name)
