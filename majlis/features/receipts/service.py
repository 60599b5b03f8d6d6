"""Verbs of receipts."""

from uuid import UUID

from majlis.features.conversations.model import RECEIPTS
from majlis.features.discussions import service as discussions
from majlis.features.messages.model import NoMessage
from majlis.features.receipts import store
from majlis.features.receipts.model import NotOwn, Read, Receipts, TooManyReaders
from majlis.kit.db import Reader
from majlis.kit.me import Me


async def of(tx: Reader, me: Me, message_id: UUID) -> Receipts:
    """Who got and who read a message of the caller's, in a conversation or a small channel.

    Raises NoMessage, NotOwn, TooManyReaders.
    """
    message = await discussions.get(tx, me, message_id)
    if message.deleted_at is not None:
        raise NoMessage()
    if message.sender_id != me.id:
        raise NotOwn()
    if (await tx.one(store.SIZE, message.channel_id) or 0) > RECEIPTS:
        raise TooManyReaders()
    found = await tx.all(store.OF, message_id)
    return Receipts(
        [one.user_id for one in found if one.delivered],
        [Read(one.user_id, one.read_at) for one in found if one.read_at is not None],
    )
