"""Who sees a picture changes while somebody brings one: nothing stays open by chance. Each with its control."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from majlis.features.comments import service as comments
from majlis.features.comments.model import CommentCreate
from majlis.features.posts import service as posts
from majlis.features.posts.model import PostCreate, PostUpdate
from majlis.features.privacy import service as privacy
from majlis.features.privacy.model import PrivacyUpdate
from majlis.kit.db import Tx
from majlis.kit.me import Me
from tests.features.media.private import addresses, check_private, is_open, pictured
from tests.features.media.uploads import stored
from tests.features.posts.writing import POSTS, friends, write
from tests.waiting import until_waiting
from tests.world import World

guarded = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
OFF = "CREATE OR REPLACE FUNCTION {} LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$"
# The counters as a program would move them that reads them first.
FORGETFUL = """
CREATE OR REPLACE FUNCTION media_turn(doc text, hide boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  many int;
BEGIN
  SELECT private_refs INTO many FROM uploads;
  UPDATE uploads SET private_refs = many + 1, public_refs = 1 - many;
  RETURN media_hidden(doc);
END $$
"""


def run(world: World, statement: str) -> None:
    async def work() -> None:
        async with world.app.db.tx() as tx:
            await tx.run(statement)

    world.go(work())


def race(
    world: World,
    closing: Callable[[Tx], Awaitable[Any]],
    writing: Callable[[Tx], Awaitable[Any]],
    follows: Callable[[], Awaitable[Any]],
) -> None:
    """Somebody writes while who sees it is changed, and commits when what follows that change is done."""

    async def write(done: asyncio.Event, go_on: asyncio.Event) -> None:
        async with world.app.db.tx() as tx:
            await writing(tx)
            done.set()
            await go_on.wait()

    async def main() -> None:
        done, go_on = asyncio.Event(), asyncio.Event()
        async with world.app.db.tx() as tx:
            await closing(tx)
            late = asyncio.create_task(write(done, go_on))
            await until_waiting(world, 1, late)
        first = asyncio.create_task(done.wait())
        await asyncio.wait({late, first}, return_when=asyncio.FIRST_COMPLETED)
        await follows()
        go_on.set()
        await late

    world.go(main())


@guarded
def test_a_comment_that_is_written_while_its_post_closes(clone: World, guarded: bool) -> None:
    amina, bahar = clone.person(), clone.person()
    friends(clone, amina, bahar)
    post = UUID(write(clone, amina)["id"])
    (one,) = stored(clone, bahar)
    if not guarded:
        run(clone, OFF.format("comments_settle(ids uuid[]) RETURNS void"))
    race(
        clone,
        lambda tx: posts.update(tx, amina.me, post, PostUpdate(visibility="FRIENDS"), None),
        lambda tx: comments.create(tx, bahar.me, post, CommentCreate(text="look", attachments=[one.photo])),
        lambda: comments.settle(clone.app, Me.system, post),
    )
    assert is_open(clone, one.path) == (not guarded)
    if guarded:
        check_private(clone, clone.get(f"{POSTS}/{post}/comments", bahar).json(), one.path)


@guarded
def test_a_post_that_is_written_while_its_account_closes(clone: World, guarded: bool) -> None:
    amina = clone.person()
    (one,) = stored(clone, amina)
    if not guarded:
        run(clone, OFF.format("posts_settle(ids uuid[]) RETURNS SETOF uuid"))
    race(
        clone,
        lambda tx: privacy.update(tx, amina.me, PrivacyUpdate(is_private=True)),
        lambda tx: posts.create(tx, amina.me, PostCreate(type="FEED", attachments=[one.photo]), None),
        lambda: posts.settle_of(clone.app, Me.system, amina.id),
    )
    assert is_open(clone, one.path) == (not guarded)
    if guarded:
        check_private(clone, clone.get(POSTS, amina).json(), one.path)


@guarded
def test_references_that_close_at_once_are_all_counted(clone: World, guarded: bool) -> None:
    amina = clone.person()
    path, photo = pictured(clone, amina)
    first, second = (UUID(write(clone, amina, attachments=[photo])["id"]) for _ in range(2))
    if not guarded:
        run(clone, FORGETFUL)
    change = PostUpdate(visibility="PRIVATE")

    async def other() -> None:
        async with clone.app.db.tx() as tx:
            await posts.update(tx, amina.me, second, change, None)

    async def main() -> None:
        async with clone.app.db.tx() as tx:
            await posts.update(tx, amina.me, first, change, None)
            late = asyncio.create_task(other())
            await until_waiting(clone, 1, late)
        await late

    clone.go(main())
    (row,) = clone.sql("SELECT attached, public_refs, private_refs FROM uploads")
    counted = {"attached": 2, "public_refs": 0, "private_refs": 2}
    assert (row == counted) == guarded
    assert is_open(clone, path) == (not guarded)
    assert len(addresses(clone.get(POSTS, amina).json(), path)) == 2
