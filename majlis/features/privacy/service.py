"""Verbs of privacy: read and change one's own settings. What they mean for others is applied in graph."""

from uuid import UUID

from majlis.features.privacy import store
from majlis.features.privacy.facts import PrivacyChanged
from majlis.features.privacy.model import PrivacySettings, PrivacyUpdate
from majlis.kit import clock, facts, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.http.binding import given
from majlis.kit.me import Me


async def create(tx: Tx, me: Me, user_id: UUID) -> None:
    """The default settings of a new account, unless it has some."""
    await tx.run(store.CREATE, ids.new(), user_id, clock.now())


async def get(tx: Reader, me: Me) -> PrivacySettings:
    """The caller's settings; the defaults where none are stored (rules 158, 160). Raises NotFound."""
    found = await tx.one(store.GET, me.user())
    if found is None:
        raise NotFound()
    return found


async def update(tx: Tx, me: Me, body: PrivacyUpdate) -> PrivacySettings:
    """Change the caller's settings; those not given stay (rule 159). Raises NotFound for a closed account."""
    user_id, now, values = me.user(), clock.now(), given(body)
    chosen = [values.get(name) for name in store.CHOICES]
    changed = await tx.one(store.UPDATE, user_id, now, *chosen)
    if changed is None:  # there is no row yet, or somebody stores it at this moment
        await tx.run(store.CREATE, user_id, user_id, now)
        changed = await tx.one(store.UPDATE, user_id, now, *chosen)
    if changed is None:
        raise NotFound()
    if "is_private" in values:
        await facts.emit(tx, PrivacyChanged(user_id))
    return changed
