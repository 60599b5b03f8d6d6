"""Verbs of digests: who is due, what theirs says, and how they end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from majlis.features.digests import store
from majlis.features.digests.model import Missed, Summary
from majlis.features.identity import service as identity
from majlis.features.messages import service as messages
from majlis.features.notifications import service as notifications
from majlis.features.notifications.model import WORDS, Kind
from majlis.kit import clock, crypto
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import NotFound
from majlis.kit.me import Me

SETTLED = timedelta(minutes=1)  # what is younger waits for the next digest: older may still be on its way in
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
TOKEN_LIFE = timedelta(days=365)


def due_at(period: str, hour: int, now: datetime) -> datetime:
    """The latest moment at which digests became due: this hour of a day, or of a Monday where they are weekly."""
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if period == "weekly":
        due -= timedelta(days=due.weekday())
    return due if due <= now else due - timedelta(days=7 if period == "weekly" else 1)


async def readers(tx: Reader, me: Me, due: datetime, after: UUID) -> list[UUID]:
    """Some of those who want digests and have had none since then, behind this one."""
    return await tx.all(store.DUE, due, after)


async def summary(tx: Tx, me: Me, user_id: UUID, due: datetime) -> Summary | None:
    """What somebody has not read since their last digest; None for those who have had this one or may have none.

    It counts, and names nobody: a mail is read where settings of privacy do not reach.
    """
    covered = await tx.one(store.COVERED, user_id)
    if covered is not None and covered >= due:
        return None
    try:
        account = await identity.get(tx, me, user_id)
    except NotFound:
        return None  # left meanwhile
    if not account.email_verified or account.suspended_at is not None:
        return None
    types = await notifications.mailed_types(tx, me, user_id)
    until = max(clock.now() - SETTLED, due)
    found = await tx.all(store.SUMMARY, user_id, types, covered or FIRST, until)
    lines = tuple(f"{WORDS[cast(Kind, line.type)][0]}: {line.count}" for line in found)
    return Summary(account.email, lines, until)


async def missing(tx: Reader, me: Me, message_ids: Sequence[UUID]) -> list[Missed]:
    """Who has not read messages and wants mails of such, and since when."""
    unread = [*await messages.unread_by(tx, me, message_ids), *await tx.all(store.CALLED, list(message_ids))]
    waiting: dict[UUID, datetime] = {}
    for one in unread:
        waiting[one.user_id] = min(one.created_at, waiting.get(one.user_id, one.created_at))
    wanted = await tx.all(store.WANT_MESSAGES, list(waiting)) if waiting else []
    return [Missed(user_id, waiting[user_id]) for user_id in wanted]


async def missed(tx: Reader, me: Me, user_id: UUID, since: datetime) -> tuple[str, str] | None:
    """The address of somebody, and how much they have not read of what was written since then.

    None where that is nothing, or they want or may have no mail. Like a digest, it names nobody.
    """
    try:
        account = await identity.get(tx, me, user_id)
    except NotFound:
        return None
    wanted = await tx.all(store.WANT_MESSAGES, [user_id])
    unread = await tx.one(store.UNREAD, user_id, since)
    if not wanted or not account.email_verified or account.suspended_at is not None or unread is None:
        return None
    if not unread.messages:
        return None
    many, places = unread.messages, unread.conversations
    words = f"{many} unread message{'s' if many > 1 else ''}"
    return account.email, words + (f" in {places} conversations" if places > 1 else "")


async def cover(tx: Tx, me: Me, user_id: UUID, until: datetime) -> None:
    """Mail no more of what somebody was told up to then."""
    await tx.run(store.COVER, user_id, until)


async def unsubscribe_token(tx: Tx, me: Me, user_id: UUID) -> str:
    """What ends somebody's digests without signing in, for the links in one mail."""
    token = crypto.token()
    await tx.run(store.ADD_TOKEN, crypto.digest(token), user_id, clock.now())
    return token


async def unsubscribe(tx: Tx, me: Me, token: str) -> None:
    """End the digests of whom this token was mailed to. Again changes nothing. Raises NotFound."""
    owner = await tx.one(store.OWNER, crypto.digest(token))
    if owner is None:
        raise NotFound("This link is not one of ours, or older than a year.")
    await notifications.end_mails(tx, me, owner)


async def purge(tx: Tx, me: Me) -> None:
    """Forget the tokens of mails that are a year old."""
    await tx.run(store.PURGE, clock.now() - TOKEN_LIFE)
