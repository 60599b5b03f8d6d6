"""Verbs between people: follow, block, look at one another, look for somebody."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from majlis.features.graph import store
from majlis.features.graph.facts import UserFollowed
from majlis.features.graph.model import (
    Blocked,
    BlockState,
    FollowEntry,
    FollowState,
    Oneself,
    PeopleQuery,
    UserMini,
    UserPublic,
)
from majlis.kit import clock, facts, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Unauthenticated
from majlis.kit.me import Me
from majlis.kit.text import prefix_query

# SQL for the stores of features above: see graph/store.py.
BLOCKED = store.BLOCKED
follows = store.follows

SHORTEST = 2  # characters to search for
PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,18}")


# ---- looking


async def minis(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, UserMini]:
    """These people by id, without those whom the viewer does not meet in lists; one query, none for nobody.

    Pictures are passed on as they are stored.
    """
    if not ids:
        return {}
    return {person.id: person for person in await tx.all(store.MINIS, me.id, list(ids))}


async def visible_person(tx: Reader, me: Me, user_id: UUID) -> None:
    """Raises NotFound for a person who is unknown, deleted, suspended or blocks the viewer."""
    if await tx.one(store.VISIBLE, me.id, user_id) is None:
        raise NotFound("There is no such person.")


async def is_blocked(tx: Reader, me: Me, other: UUID) -> bool:
    """Whether the caller blocks the other or is blocked by them."""
    stance = await tx.one(store.STANCE, me.id, other)
    return stance is not None and (stance.mine or stance.theirs)


async def get(tx: Reader, me: Me, user_id: UUID) -> UserPublic:
    """A person as the viewer sees them. Raises NotFound as `visible_person` does.

    Whoever blocks somebody still sees them, so that it can be undone.
    """
    person = await tx.one(store.PUBLIC, me.id, user_id)
    if person is None:
        raise NotFound("There is no such person.")
    return person


async def followers(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> page.Page[FollowEntry]:
    """Who follows a person, latest first. Raises NotFound."""
    await visible_person(tx, me, user_id)
    return await _follows(tx, me, "followers", user_id, paging)


async def following(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> page.Page[FollowEntry]:
    """Whom a person follows, latest first. Raises NotFound."""
    await visible_person(tx, me, user_id)
    return await _follows(tx, me, "following", user_id, paging)


async def _follows(
    tx: Reader, me: Me, which: store.List, user_id: UUID, paging: page.Paging
) -> page.Page[FollowEntry]:
    rows, following, total = await _people(tx, me, which, user_id, paging)
    return page.Page([FollowEntry(_mini(row), row["created_at"]) for row in rows], following, total)


async def blocked(tx: Reader, me: Me, paging: page.Paging) -> page.Page[UserMini]:
    """Whom the caller blocks, latest first; also those who block the caller."""
    rows, following, total = await _people(tx, me, "blocked", me.user(), paging)
    return page.Page([_mini(row) for row in rows], following, total)


def _mini(row: Any) -> UserMini:
    return UserMini(*row[: store.MINI_COLUMNS])


async def _people(
    tx: Reader, me: Me, which: store.List, whose: UUID, paging: page.Paging
) -> tuple[list[Any], str | None, int | None]:
    """Rows of a list of people, the cursor behind them, and the total where offsets are used."""
    kind = f"people:{which}"
    start = page.decode(kind, paging.cursor, tuple[datetime, UUID]) if paging.cursor else ()
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.people_count(which), me.id, whose)
    size = _size(paging)
    rows = await tx.records(
        store.people(which, continued=bool(start), usual=not size), me.id, whose, *start, *size
    )
    shown = rows[: paging.limit]
    more = page.encode(kind, shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > paging.limit else None
    return shown, more, total


def _size(paging: page.Paging) -> tuple[int, ...]:
    """Limit and offset as arguments; none where the statement holds the usual size itself."""
    offset = 0 if paging.cursor else paging.offset or 0
    return () if paging.limit == page.DEFAULT and not offset else (paging.limit + 1, offset)


async def search(tx: Reader, me: Me, query: PeopleQuery) -> page.Page[UserMini]:
    """People whose names have words that begin with those of the query, by name (rule 110).

    An exact e-mail address or phone number finds its owner too. Raises Invalid for a query too short.
    """
    text, paging = query.q.strip(), query.paging()
    if len(text) < SHORTEST:
        raise Invalid.field("q", f"Give at least {SHORTEST} characters.", "too_short")
    start = page.decode("people:found", paging.cursor, tuple[int, str, UUID]) if paging.cursor else ()
    named = (
        me.id, prefix_query(text), await _owner(tx, text),
        query.country, query.province, query.district, query.neighborhood,
    )  # fmt: skip
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.FOUND_COUNT, *named)
    size = _size(paging)
    rows = await tx.records(store.found(continued=bool(start), usual=not size), *named, *start, *size)
    shown = rows[: paging.limit]
    last = shown[-1] if len(rows) > paging.limit else None
    more = None if last is None else page.encode("people:found", last["rank"], last["name"], last["id"])
    return page.Page([_mini(row) for row in shown], more, total)


async def _owner(tx: Reader, text: str) -> UUID | None:
    """Whose e-mail address or phone number this is."""
    if "@" in text:
        return await tx.one(store.BY_EMAIL, text)
    if PHONE.fullmatch(text):
        return await tx.one(store.BY_PHONE, text)
    return None


# ---- following and blocking


async def _lock(tx: Tx, me: Me, other: UUID) -> int:
    """Hold the caller and another person until the transaction ends; returns the other's followers.

    Raises Oneself, NotFound.
    """
    if me.user() == other:
        raise Oneself()
    held = {row.id: row.followers_count for row in await tx.all(store.LOCK_PAIR, me.id, other)}
    if other not in held:
        raise NotFound("There is no such person.")
    if me.id not in held:
        raise Unauthenticated()  # the account was closed while its token was still known
    return held[other]


async def _stance(tx: Tx, me: Me, other: UUID) -> store.Stance:
    stance = await tx.one(store.STANCE, me.id, other)
    if stance is None:
        raise LookupError("a SELECT without FROM has one row")
    return stance


async def follow(tx: Tx, me: Me, other: UUID) -> FollowState:
    """Follow a person; again changes nothing (rules 147, 163). Raises NotFound, Blocked, Oneself."""
    count = await _lock(tx, me, other)
    stance = await _stance(tx, me, other)
    if stance.mine or stance.theirs:
        raise Blocked()
    if await tx.run(store.FOLLOW, me.id, other, clock.now()):
        await facts.emit(tx, UserFollowed(me.user(), other))
        count += 1
    return FollowState(True, count)


async def unfollow(tx: Tx, me: Me, other: UUID) -> FollowState:
    """Follow a person no longer. Raises NotFound, Oneself."""
    count = await _lock(tx, me, other)
    if (await _stance(tx, me, other)).theirs:
        raise NotFound("There is no such person.")
    return FollowState(False, count - await tx.run(store.UNFOLLOW, me.id, other))


async def block(tx: Tx, me: Me, other: UUID) -> BlockState:
    """Block a person, which ends follows both ways (rules 148, 149). Raises NotFound, Oneself."""
    await _lock(tx, me, other)
    await tx.run(store.BLOCK, me.id, other, clock.now())
    await tx.run(store.PART, me.id, other)
    return BlockState(True)


async def unblock(tx: Tx, me: Me, other: UUID) -> BlockState:
    """Block a person no longer; follows do not come back. Raises NotFound, Oneself."""
    await _lock(tx, me, other)
    await tx.run(store.UNBLOCK, me.id, other)
    return BlockState(False)


async def block_state(tx: Reader, me: Me, other: UUID) -> BlockState:
    """Whether the caller blocks a person, not the reverse. Raises NotFound."""
    stance = await tx.one(store.STANCE, me.user(), other)
    mine = stance is not None and stance.mine
    if not mine:
        await visible_person(tx, me, other)
    return BlockState(mine)


async def forget(tx: Tx, me: Me, user_id: UUID) -> bool:
    """Drop follows of a person who left, up to 500. Returns whether there may be more."""
    held = await tx.all(store.NEIGHBOURS, user_id)
    return await tx.run(store.FORGET, user_id, held) > 0
