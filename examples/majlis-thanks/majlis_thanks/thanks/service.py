"""Verbs of thanks: thank somebody, read one's own, tell of them."""

from uuid import UUID

from majlis.features.graph import service as graph
from majlis.features.notifications import service as notifications
from majlis.kit import clock, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.me import Me
from majlis_thanks.thanks import store
from majlis_thanks.thanks.facts import Thanked
from majlis_thanks.thanks.model import Thanks, ThanksCreate, ToOneself


async def thank(tx: Tx, me: Me, user_id: UUID, body: ThanksCreate) -> Thanks:
    """Thank somebody. Raises NotFound for a person whom the caller may not see, ToOneself."""
    if user_id == me.user():
        raise ToOneself()
    await graph.visible_person(tx, me, user_id)
    made = await tx.one(store.INSERT, ids.new(), me.user(), user_id, body.words, clock.now())
    assert made is not None, "INSERT … RETURNING gives a row or raises"
    await facts.emit(tx, Thanked(made.id))
    return made


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Thanks]:
    """What the caller was thanked for, newest first: ids grow with time."""
    before = None
    if paging.cursor:
        (before,) = page.decode("thanks", paging.cursor, tuple[UUID])
    rows = await tx.all(store.LIST, me.user(), before, paging.limit + 1)
    items = rows[: paging.limit]
    return page.Page(items, page.encode("thanks", items[-1].id) if len(rows) > paging.limit else None, None)


async def tell(tx: Tx, me: Me, thanks_id: UUID) -> None:
    """Tell who was thanked, at once where a socket is open, and once however often this is called; for the system."""
    me.require_role("admin")
    found = await tx.one(store.ONE, thanks_id)
    if found is not None:
        await notifications.inform(tx, me, "SYSTEM", found.to_id, "Thank you", found.words, found.id)


async def forget(tx: Tx, me: Me, user_id: UUID) -> None:
    """Remove what a deleted account leaves behind; for the system."""
    me.require_role("admin")
    await tx.run(store.FORGET, user_id)
