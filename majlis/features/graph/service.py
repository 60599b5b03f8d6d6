"""Verbs between people: follow, ask, block, mute, look at one another, look for somebody."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.graph import store
from majlis.features.graph.facts import (
    FollowAccepted,
    FollowRequested,
    UserBlocked,
    UserFollowed,
    UserUnfollowed,
)
from majlis.features.graph.model import (
    Blocked,
    BlockState,
    FollowEntry,
    FollowerState,
    FollowState,
    MuteState,
    Named,
    Oneself,
    PeopleQuery,
    Thing,
    UserMini,
    UserPublic,
    hidden,
    initial,
)
from majlis.kit import clock, facts, hints, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Unauthenticated
from majlis.kit.me import Me
from majlis.kit.text import prefix_query
from majlis.kit.tokens import Gate

# SQL for the stores of features above: see graph/store.py.
BLOCKED, MUTED = store.BLOCKED, store.MUTED
follows, hides, admits, sees = store.follows, store.hides, store.admits, store.sees

SHORTEST = 2  # characters to search for
PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,18}")


# ---- looking


def shown(card: UserMini, hides: int) -> UserMini:
    """A stored card as the viewer may see it; `hides` is the column of `hides()`, 0 for nothing to do.

    A hidden name is the initial of the first name, hidden pictures are none (rule 160).
    """
    if hidden(Thing.NAME, hides, card.follows_me):
        card.first_name, card.last_name = initial(card.first_name), None
    if hidden(Thing.PICTURES, hides, card.follows_me):
        card.avatar = None
    return card


def _shown_page(person: UserPublic, hides: int) -> UserPublic:
    if hidden(Thing.NAME, hides, person.follows_me):
        person.first_name, person.last_name = initial(person.first_name), None
    if hidden(Thing.PICTURES, hides, person.follows_me):
        person.avatar = person.cover = None
    if hidden(Thing.ABOUT, hides, person.follows_me):
        person.about = None
    return person


async def minis(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, UserMini]:
    """These people by id, without those whom the viewer does not meet in lists; one query, none for nobody.

    Pictures are passed on as they are stored.
    """
    if not ids:
        return {}
    return {row["id"]: _mini(row) for row in await tx.records(store.MINIS.sql, me.id, list(ids))}


async def named(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, Named]:
    """These people with their usernames by id, without those whom the viewer does not meet in lists; one query."""
    if not ids:
        return {}
    return {row.id: row.shown() for row in await tx.all(store.NAMED, me.id, list(ids))}


async def named_one(tx: Reader, me: Me, user_id: UUID) -> Named:
    """A person with their username, as `get` finds them. Raises NotFound."""
    row = await tx.one(store.NAMED_ONE, me.id, user_id)
    if row is None:
        raise NotFound("There is no such person.")
    return row.shown()


async def id_of(tx: Reader, me: Me, username: str) -> UUID:
    """Whose username this is, in whatever case. Raises NotFound."""
    found = await tx.one(store.ID_OF, username)
    if found is None:
        raise NotFound("There is no such person.")
    return found


async def visible_person(tx: Reader, me: Me, user_id: UUID) -> None:
    """Raises NotFound for a person who is unknown, deleted, suspended or blocks the viewer."""
    if await tx.one(store.VISIBLE, me.id, user_id) is None:
        raise NotFound("There is no such person.")


async def is_blocked(tx: Reader, me: Me, other: UUID) -> bool:
    """Whether the caller blocks the other or is blocked by them."""
    stance = await tx.one(store.STANCE, me.id, other)
    return stance is not None and (stance.mine or stance.theirs)


async def may_message(tx: Reader, me: Me, other: UUID) -> bool:
    """Whether the caller may write to somebody: neither blocks the other, and their settings let them (rule 160)."""
    return await tx.one(store.MAY_MESSAGE, me.user(), other) or False


async def may_mention(tx: Reader, me: Me, other: UUID) -> bool:
    """Whether the caller may mention somebody: neither blocks the other, and their settings let them."""
    return await tx.one(store.MAY_MENTION, me.user(), other) or False


async def get(tx: Reader, me: Me, user_id: UUID) -> UserPublic:
    """A person as the viewer sees them. Raises NotFound as `visible_person` does.

    Whoever blocks somebody still sees them, so that it can be undone.
    """
    person = await tx.one(store.PUBLIC, me.id, user_id)
    if person is None:
        raise NotFound("There is no such person.")
    *columns, hides = msgspec.structs.astuple(person)
    return _shown_page(UserPublic(*columns), hides)


async def followers(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> page.Page[FollowEntry]:
    """Who follows a person, latest first. Raises NotFound, also where a private account keeps it to followers."""
    await _check_open(tx, me, user_id)
    return await _entries(tx, me, "followers", user_id, paging)


async def following(tx: Reader, me: Me, user_id: UUID, paging: page.Paging) -> page.Page[FollowEntry]:
    """Whom a person follows, latest first. Raises NotFound as `followers` does."""
    await _check_open(tx, me, user_id)
    return await _entries(tx, me, "following", user_id, paging)


async def _check_open(tx: Reader, me: Me, user_id: UUID) -> None:
    """Raises NotFound unless the viewer may know whom a person knows."""
    admitted = await tx.one(store.OPEN, me.id, user_id)
    if admitted is None:
        raise NotFound("There is no such person.")
    if not admitted:
        raise NotFound("Only followers see whom this person knows.")


async def requests(tx: Reader, me: Me, paging: page.Paging) -> page.Page[FollowEntry]:
    """Who asks to follow the caller, latest first."""
    return await _entries(tx, me, "requests", me.user(), paging)


async def requested(tx: Reader, me: Me, paging: page.Paging) -> page.Page[FollowEntry]:
    """Whom the caller asks to follow, latest first."""
    return await _entries(tx, me, "requested", me.user(), paging)


async def _entries(
    tx: Reader, me: Me, which: store.List, user_id: UUID, paging: page.Paging
) -> page.Page[FollowEntry]:
    rows, following, total = await _people(tx, me, which, user_id, paging)
    return page.Page([FollowEntry(_mini(row), row["created_at"]) for row in rows], following, total)


async def blocked(tx: Reader, me: Me, paging: page.Paging) -> page.Page[UserMini]:
    """Whom the caller blocks, latest first; also those who block the caller."""
    rows, following, total = await _people(tx, me, "blocked", me.user(), paging)
    return page.Page([_mini(row) for row in rows], following, total)


async def muted(tx: Reader, me: Me, paging: page.Paging) -> page.Page[UserMini]:
    """Whom the caller mutes, latest first."""
    rows, following, total = await _people(tx, me, "muted", me.user(), paging)
    return page.Page([_mini(row) for row in rows], following, total)


def _mini(row: Any) -> UserMini:
    card, hides = UserMini(*row[: store.MINI_COLUMNS]), row[store.MINI_COLUMNS]
    return shown(card, hides) if hides else card


async def _people(
    tx: Reader, me: Me, which: store.List, whose: UUID, paging: page.Paging
) -> tuple[list[Any], str | None, int | None]:
    """Rows of a list of people, the cursor behind them, and the total where offsets are used."""
    kind = f"people:{which}"
    start = page.decode(kind, paging.cursor, tuple[datetime, UUID]) if paging.cursor else ()
    total = None
    if paging.wants_total():
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


async def search(tx: Reader, me: Me, query: PeopleQuery, counted: int = 0) -> page.Page[UserMini]:
    """People whose names have words that begin with those of the query, by name (rule 110).

    An exact e-mail address or phone number finds its owner too, if they want that. Nobody is found by a name that is
    hidden from the viewer, or against their discoverability (rule 160). The total is known up to `counted`, if given.
    Raises Invalid for a query too short.
    """
    text, paging = query.q.strip(), query.paging()
    if len(text) < SHORTEST:
        raise Invalid.field("q", f"Give at least {SHORTEST} characters.", "too_short")
    start = page.decode("people:found", paging.cursor, tuple[int, str, UUID]) if paging.cursor else ()
    places = {name: getattr(query, name) for name in store.PLACES}
    finding = store.Finding(me.id, prefix_query(text), await _owner(tx, text), places)
    total = None
    if paging.wants_total() and not counted:
        total = await tx.one(finding.count(), *finding.args)
    sql = finding.page_sql(paging.limit, 0 if start else paging.offset or 0, start, counted)
    rows = await tx.records(sql, *finding.args)
    if counted:
        total = min(rows[0]["total"], counted) if rows else 0
    shown = rows[: paging.limit]
    last = shown[-1] if len(rows) > paging.limit else None
    more = None if last is None else page.encode("people:found", last["rank"], last["name"], last["id"])
    return page.Page([_mini(row) for row in shown], more, total)


async def _owner(tx: Reader, text: str) -> UUID | None:
    """Whose e-mail address or phone number this is, if they let themselves be found by it."""
    if "@" in text:
        return await tx.one(store.BY_EMAIL, text)
    if PHONE.fullmatch(text):
        return await tx.one(store.BY_PHONE, text)
    return None


# ---- following and blocking


async def _lock(tx: Tx, me: Me, other: UUID) -> tuple[store.Locked, store.Locked]:
    """Hold the caller and another person until the transaction ends; returns both, the caller first.

    Raises Oneself, NotFound.
    """
    if me.user() == other:
        raise Oneself()
    held = {row.id: row for row in await tx.all(store.LOCK_PAIR, me.id, other)}
    if other not in held:
        raise NotFound("There is no such person.")
    if me.user() not in held:
        raise Unauthenticated()  # the account was closed while its token was still known
    return held[me.user()], held[other]


async def _stance(tx: Tx, me: Me, other: UUID) -> store.Stance:
    stance = await tx.one(store.STANCE, me.id, other)
    if stance is None:
        raise LookupError("a SELECT without FROM has one row")
    return stance


async def follow(tx: Tx, me: Me, other: UUID) -> FollowState:
    """Follow a person, or ask to follow a private account; again changes nothing (rules 147, 163).

    Raises NotFound, Blocked, Oneself.
    """
    _, held = await _lock(tx, me, other)
    stance = await _stance(tx, me, other)
    if stance.mine or stance.theirs:
        raise Blocked()
    if held.is_private and not await tx.one(store.FOLLOWS, me.id, other):
        if await tx.run(store.ASK, me.id, other, clock.now()):
            await facts.emit(tx, FollowRequested(me.user(), other))
        return FollowState(False, held.followers_count, "requested")
    new = await tx.run(store.FOLLOW, me.id, other, clock.now())
    if new:
        await facts.emit(tx, UserFollowed(me.user(), other))
    return FollowState(True, held.followers_count + new, "following")


async def unfollow(tx: Tx, me: Me, other: UUID) -> FollowState:
    """Follow a person no longer, nor ask to. Raises NotFound, Oneself."""
    _, held = await _lock(tx, me, other)
    if (await _stance(tx, me, other)).theirs:
        raise NotFound("There is no such person.")
    gone = await tx.run(store.UNFOLLOW, me.id, other)
    if gone:
        await facts.emit(tx, UserUnfollowed(me.user(), other))
    return FollowState(False, held.followers_count - gone, "none")


async def stands(tx: Tx, me: Me, follower: UUID, following: UUID) -> bool:
    """Whether one follows the other; if so it stays, until this transaction ends."""
    return await tx.one(store.STANDS, follower, following) or False


async def accept(tx: Tx, me: Me, other: UUID) -> FollowerState:
    """Let somebody follow who asked to; again changes nothing. Raises NotFound for who did not, Oneself."""
    mine, _ = await _lock(tx, me, other)
    if not await tx.one(store.ASKS, other, me.id):
        if not await tx.one(store.FOLLOWS, other, me.id):
            raise NotFound("They do not ask to follow you.")
        return FollowerState(True, mine.followers_count)
    new = await tx.run(store.FOLLOW, other, me.id, clock.now())
    if new:
        await facts.emit(tx, UserFollowed(other, me.user()))
        await facts.emit(tx, FollowAccepted(other, me.user()))
    return FollowerState(True, mine.followers_count + new)


async def decline(tx: Tx, me: Me, other: UUID) -> FollowerState:
    """Do not let somebody follow who asked to; they are not told. Again changes nothing. Raises NotFound, Oneself."""
    mine, _ = await _lock(tx, me, other)
    if (await _stance(tx, me, other)).theirs:
        raise NotFound("There is no such person.")
    await tx.run(store.UNASK, other, me.id)
    return FollowerState(await tx.one(store.FOLLOWS, other, me.id) or False, mine.followers_count)


async def block(tx: Tx, me: Me, other: UUID) -> BlockState:
    """Block a person, which ends follows and requests both ways (rules 148, 149). Raises NotFound, Oneself."""
    await _lock(tx, me, other)
    new = await tx.run(store.BLOCK, me.id, other, clock.now())
    await tx.run(store.PART, me.id, other)
    if new:
        await facts.emit(tx, UserBlocked(me.user(), other))
        await facts.emit(tx, UserUnfollowed(me.user(), other), UserUnfollowed(other, me.user()))
        for person in (me.user(), other):  # what they follow live they follow no more
            hints.after_commit(tx, Gate.CHANNEL, str(person).encode())
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


async def mute(tx: Tx, me: Me, other: UUID) -> MuteState:
    """Meet no posts of a person in feeds, and hear of nothing they do; they do not learn of it.

    Raises NotFound, Oneself.
    """
    if me.user() == other:
        raise Oneself()
    await visible_person(tx, me, other)
    await tx.run(store.MUTE, me.id, other, clock.now())
    return MuteState(True)


async def unmute(tx: Tx, me: Me, other: UUID) -> MuteState:
    """Mute a person no longer. Raises NotFound, Oneself."""
    if me.user() == other:
        raise Oneself()
    if not await tx.run(store.UNMUTE, me.id, other):
        await visible_person(tx, me, other)
    return MuteState(False)


async def forget(tx: Tx, me: Me, user_id: UUID) -> bool:
    """Drop what is between others and a person who left, up to 500 follows. Returns whether there may be more."""
    held = await tx.all(store.NEIGHBOURS, user_id)
    await tx.run(store.FORGET_ASKED, user_id)
    await tx.run(store.FORGET_MUTED, user_id)
    return await tx.run(store.FORGET, user_id, held) > 0
