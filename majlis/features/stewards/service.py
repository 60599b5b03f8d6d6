"""Verbs of stewards: name them, let them go, ask who may let people in.

They scan tickets and fetch what scanners need for that, and nothing else of the host's.
"""

from uuid import UUID

from majlis.features.audit import service as audit
from majlis.features.audit.model import Decision
from majlis.features.boxoffice import service as boxoffice
from majlis.features.boxoffice.model import NotHost
from majlis.features.events import service as events
from majlis.features.graph import service as graph
from majlis.features.stewards import store
from majlis.features.stewards.model import (
    MOST,
    Duty,
    HostIsThere,
    NotInvited,
    Steward,
    TooManyStewards,
)
from majlis.kit import clock
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def add(tx: Tx, me: Me, post_id: UUID, user_id: UUID) -> Steward:
    """Let somebody help at the door of the caller's event; again changes nothing.

    Raises NotFound, NotHost, HostIsThere, NotInvited, TooManyStewards.
    """
    await boxoffice.hosted(tx, me, post_id)
    if user_id == me.user():
        raise HostIsThere()
    await graph.visible_person(tx, me, user_id)
    await _invited(tx, post_id, user_id)
    if await boxoffice.hold(tx, Me.system, post_id) is None:
        raise NotFound("This event has no tickets.", code="no_tickets")
    new = await tx.one(store.ADD, post_id, user_id, clock.now()) is not None
    rows = await tx.all(store.LIST, post_id)  # behind the hold: one host comes after the other
    if len(rows) > MOST:
        raise TooManyStewards()
    if new:
        await _note(tx, me, "steward_named", post_id, user_id)
    (row,) = (one for one in rows if one.user_id == user_id)
    return Steward(user_id, (await graph.minis(tx, me, [user_id])).get(user_id), row.created_at)


async def _invited(tx: Reader, post_id: UUID, user_id: UUID) -> None:
    try:
        await events.get(tx, Me(id=user_id), post_id)
    except NotFound:
        raise NotInvited() from None


async def remove(tx: Tx, me: Me, post_id: UUID, user_id: UUID) -> None:
    """Let somebody help no more: for the host, and for themselves. Raises NotFound, NotHost."""
    if user_id != me.user():
        await boxoffice.hosted(tx, me, post_id)
    if await tx.one(store.REMOVE, post_id, user_id) is None:
        raise NotFound()
    await _note(tx, me, "steward_removed", post_id, user_id)


async def _note(tx: Tx, me: Me, action: str, post_id: UUID, user_id: UUID) -> None:
    why = "Who may let people in."
    await audit.record(
        tx, me, Decision(action=action, kind="event", target_id=post_id, person_id=user_id, reason=why)
    )


async def of_event(tx: Reader, me: Me, post_id: UUID) -> list[Steward]:
    """Who helps at the caller's event. Raises NotFound, NotHost."""
    await boxoffice.hosted(tx, me, post_id)
    rows = await tx.all(store.LIST, post_id)
    people = await graph.minis(tx, me, [row.user_id for row in rows])
    return [Steward(row.user_id, people.get(row.user_id), row.created_at) for row in rows]


async def duties(tx: Reader, me: Me) -> list[Duty]:
    """At which events that are not over the caller helps, the next first."""
    return await tx.all(store.DUTIES, me.user(), clock.now())


async def at_door(tx: Reader, me: Me, post_id: UUID) -> bool:
    """Whether the caller is the host of an event; otherwise a steward of it. Raises NotFound, NotHost for anybody else."""
    if (await events.get(tx, me, post_id)).is_mine:
        return True
    if not await tx.one(store.IS_ONE, post_id, me.user()):
        raise NotHost()
    return False
