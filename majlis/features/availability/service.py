"""Verbs of what people say of themselves: choose, say, look."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from majlis.features.availability import store
from majlis.features.availability.model import PresenceBody, PresenceChoice, Told, UserStatus, UserStatusBody
from majlis.features.conversations import service as conversations
from majlis.features.filters import service as filters
from majlis.kit import clock, hints
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid
from majlis.kit.me import Me

CHANNEL = "choice:"  # and an id: what somebody chose, for who watches them


async def choose(tx: Tx, me: Me, body: PresenceBody) -> PresenceChoice:
    """Seem away, ask not to be disturbed, or neither; what was so before is not written again. Raises Invalid."""
    until = None if body.presence == "auto" else body.until
    _check_coming("until", until)
    chosen = PresenceChoice(body.presence, until)
    if await tx.one(store.CHOICE, me.user()) == chosen:
        return chosen
    await tx.run(store.CHOOSE, me.user(), chosen.presence, chosen.until, clock.now())
    told = Told(me.user(), chosen.presence, chosen.until)
    hints.after_commit(tx, CHANNEL + str(me.user()), msgspec.json.encode(told))
    await conversations.tell(tx, me, [me.user()], "settings.updated", {"presence": chosen})
    return chosen


async def say(tx: Tx, me: Me, body: UserStatusBody) -> UserStatus:
    """The caller's status, instead of what it was. Raises Invalid, RefusedWords."""
    words = " ".join((body.text or "").split()) or None
    _check_coming("expires_at", body.expires_at)
    said = UserStatus(body.emoji, words, body.expires_at if body.emoji or words else None)
    if await tx.one(store.STATUS, me.user()) == said:
        return said
    await filters.refuse(tx, me, {"text": words})
    await tx.run(store.SAY, me.user(), said.emoji, said.text, said.expires_at, clock.now())
    await conversations.tell(tx, me, [me.user()], "settings.updated", {"status": said})
    return said


def _check_coming(field: str, moment: datetime | None) -> None:
    if moment is not None and moment <= clock.now():
        raise Invalid.field(field, "This is over already.", "past")


async def choices(tx: Reader, me: Me, user_ids: Collection[UUID]) -> dict[UUID, Told]:
    """What these people chose, without what is over; who may know is decided above."""
    return {one.user_id: one for one in await tx.all(store.CHOICES, list(user_ids), clock.now())}


async def statuses(tx: Reader, me: Me, user_ids: Collection[UUID]) -> dict[UUID, UserStatus]:
    """What these people say of themselves, without what is over; likewise."""
    rows = await tx.all(store.STATUSES, list(user_ids), clock.now())
    return {one.user_id: UserStatus(one.emoji, one.text, one.expires_at) for one in rows}
