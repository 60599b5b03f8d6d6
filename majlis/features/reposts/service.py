"""Verbs of reposts: hand a post on, and take that back."""

from uuid import UUID

from majlis.features.posts.model import NotShareable
from majlis.features.reposts import store
from majlis.features.reposts.facts import Reposted, Unreposted
from majlis.features.reposts.model import RepostState
from majlis.kit import clock, facts
from majlis.kit.db import Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def repost(tx: Tx, me: Me, post_id: UUID) -> RepostState:
    """Hand a public post on to one's followers; again changes nothing. Raises NotFound, NotShareable."""
    names, payload = facts.packed(Reposted(post_id, me.user()))
    state = await tx.last(store.REPOST, me.id, post_id, names, payload, clock.now())
    if state is None:
        raise NotFound()
    if not state.open:
        raise NotShareable()
    facts.announce(tx)
    return RepostState(True, state.total_reposts)


async def unrepost(tx: Tx, me: Me, post_id: UUID) -> RepostState:
    """Take a repost back; again changes nothing. Raises NotFound."""
    names, payload = facts.packed(Unreposted(post_id, me.user()))
    state = await tx.last(store.UNREPOST, me.id, post_id, names, payload)
    if state is None:
        raise NotFound()
    facts.announce(tx)
    return state


async def stands(tx: Tx, me: Me, post_id: UUID, user_id: UUID) -> bool:
    """Whether somebody hands a post on; if so it stays, until this transaction ends."""
    return await tx.one(store.STANDS, user_id, post_id) or False
