"""Verbs of being connected: ask for a ticket, use it, note who is there, and tell."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import NATIVE, Audience, ForgedAccess
from majlis.features.sockets import store
from majlis.features.sockets.model import Presence, Ticket
from majlis.kit import clock, crypto
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Unauthenticated
from majlis.kit.me import Me

TICKET_LIFE = timedelta(seconds=30)
REMEMBERED = timedelta(days=30)  # for how long it is known when somebody was here


async def ticket(tx: Tx, me: Me) -> Ticket:
    """A ticket that opens one socket for the caller's session. Raises Unauthenticated."""
    if me.session is None:
        raise Unauthenticated()
    token = crypto.token()
    await tx.run(store.MAKE, crypto.digest(token), me.session, me.user(), me.aal, clock.now() + TICKET_LIFE)
    return Ticket(token, int(TICKET_LIFE.total_seconds()))


async def enter(app: App, me: Me, ticket: str, audience: Audience = NATIVE) -> Me:
    """Whom a ticket of a door stands for; it is used up. Raises ForgedAccess, or BadAccess when the session has ended."""
    async with app.db.tx() as tx:
        used = await tx.last(store.USE, crypto.digest(ticket), clock.now())
    if used is None:
        raise ForgedAccess("The ticket was used before, or is too old.")
    if used.door != audience.door:
        raise ForgedAccess("This is a ticket of another door.")
    owner = Me(id=used.user_id, session=used.session_id, aal=used.aal, door=used.door, until=used.until)
    return await sessions.present(app, owner)


async def note(tx: Tx, me: Me, node: UUID, seen: Sequence[Presence]) -> None:
    """Store what a serving process knows of people; for those who are gone, `expires_at` is over."""
    rows = [(one.user_id, one.state, one.last_active_at, one.expires_at) for one in seen]
    await tx.run(store.NOTE, node, *(list(column) for column in zip(*rows, strict=True)))


async def leave(tx: Tx, me: Me, node: UUID) -> None:
    """A serving process ends: nobody is connected to it any more."""
    await tx.run(store.LEAVE, node, clock.now())


async def presences(tx: Reader, me: Me, user_ids: Collection[UUID]) -> list[Presence]:
    """What all processes say of these people; whom the caller may know of is decided above."""
    return await tx.all(store.OF, list(user_ids))


async def connected(tx: Reader, me: Me, user_ids: Collection[UUID]) -> set[UUID]:
    """Who of these has a socket open and looks at it, as far as is known.

    A process that died is believed for up to 100 seconds more, and a change may be 30 seconds late: whoever
    relies on it looks whether what was sent was acknowledged, too.
    """
    return set(await tx.all(store.CONNECTED, list(user_ids), clock.now()))


async def purge(tx: Tx, me: Me, now: datetime) -> None:
    """Forget old tickets, and who has not been here for a month."""
    await tx.run(store.PURGE_TICKETS, now)
    await tx.run(store.PURGE, now - REMEMBERED)
