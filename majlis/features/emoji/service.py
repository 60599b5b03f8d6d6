"""Verbs of a workspace's own emoji: look, make, remove."""

from collections.abc import Sequence
from uuid import UUID

from majlis.app import App
from majlis.features.emoji import store
from majlis.features.emoji.model import (
    MAX_BYTES,
    MAX_EMOJI,
    Emoji,
    EmojiCreate,
    EmojiTaken,
    NoEmoji,
    NotCreator,
    OneOf,
    TooManyEmoji,
)
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.workspaces import service as workspaces
from majlis.features.workspaces.model import Standing
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, TooLarge
from majlis.kit.http import Upload
from majlis.kit.me import Me
from majlis.vendors.images import Kind


async def listing(tx: Reader, me: Me, workspace_id: UUID) -> list[Emoji]:
    """The emoji of a workspace, by name. Raises NoWorkspace."""
    await workspaces.standing(tx, me, workspace_id)
    return await tx.all(store.ALL, workspace_id)


async def create(app: App, me: Me, workspace_id: UUID, body: EmojiCreate, files: Sequence[Upload]) -> Emoji:
    """A new emoji, for everybody but guests: of a picture, or another name of one that is there.

    Raises NoWorkspace, RoleTooLow, EmojiTaken, TooManyEmoji, OneOf, Invalid, TooLarge, and what `media.store` does;
    nothing is left behind then.
    """
    async with app.db.read() as reader:  # before a picture is worked on
        _check_maker(await workspaces.standing(reader, me, workspace_id))
    if len(files) + (body.alias_of is not None) != 1:
        raise OneOf()
    if any(len(file.data) > MAX_BYTES for file in files):
        raise TooLarge(f"An emoji has at most {MAX_BYTES // 1024} KiB.")
    async with media.storing(app, me, files, Kind.GENERIC) as uploaded, app.db.tx() as tx:
        photos = await media.claim(tx, me, [one.photo for one in uploaded], "file")
        return await _add(tx, me, workspace_id, body, photos[0] if photos else None)


def _check_maker(standing: Standing) -> None:
    standing.require("member")


async def _add(tx: Tx, me: Me, workspace_id: UUID, body: EmojiCreate, photo: Photo | None) -> Emoji:
    _check_maker(await workspaces.hold(tx, me, workspace_id))  # one after the other, in each workspace
    if (await tx.one(store.COUNT, workspace_id) or 0) >= MAX_EMOJI:
        raise TooManyEmoji()
    if await tx.one(store.ONE, workspace_id, body.name) is not None:
        raise EmojiTaken()
    alias_of = body.alias_of
    if alias_of is not None:
        target = await tx.one(store.ONE, workspace_id, alias_of)
        if target is None:
            raise Invalid.field("alias_of", "There is no such emoji.", "unknown")
        alias_of = target.alias_of or target.name
    await tx.run(store.INSERT, workspace_id, body.name, photo, alias_of, me.user(), clock.now())
    return await _get(tx, me, workspace_id, body.name)


async def _get(tx: Reader, me: Me, workspace_id: UUID, name: str) -> Emoji:
    found = await tx.one(store.ONE, workspace_id, name)
    if found is None:
        raise NoEmoji()
    return found


async def delete(tx: Tx, me: Me, workspace_id: UUID, name: str) -> None:
    """Remove an emoji and its other names, for who made it and admins. Raises NoWorkspace, NoEmoji, NotCreator."""
    standing = await workspaces.hold(tx, me, workspace_id)
    found = await _get(tx, me, workspace_id, name)
    if found.created_by != me.user() and not standing.is_admin:
        raise NotCreator()
    await tx.run(store.DELETE, workspace_id, name)
    if found.alias_of is None:
        await media.release(tx, Me.system, [found.url])


async def drop(tx: Tx, me: Me, workspace_id: UUID) -> None:
    """Remove all emoji of a workspace that is purged."""
    urls = await tx.all(store.DROP, workspace_id)
    await media.release(tx, Me.system, [url for url in urls if url])
