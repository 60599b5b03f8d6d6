"""Verbs of businesses."""

from collections.abc import Collection
from uuid import UUID

from majlis.features.businesses import store
from majlis.features.businesses.model import BusinessMini, NotOwner
from majlis.kit.db import Reader
from majlis.kit.errors import NotFound
from majlis.kit.me import Me


async def minis(tx: Reader, me: Me, ids: Collection[UUID]) -> dict[UUID, BusinessMini]:
    """These businesses by id; one query, none when nothing is asked."""
    if not ids:
        return {}
    return {business.id: business for business in await tx.all(store.MINIS, list(ids))}


async def check_owner(tx: Reader, me: Me, business_id: UUID) -> None:
    """Raises NotFound, or NotOwner when the business is somebody else's."""
    owner = await tx.one(store.OWNER, business_id)
    if owner is None:
        raise NotFound("There is no such business.")
    if owner != me.user():
        raise NotOwner()
