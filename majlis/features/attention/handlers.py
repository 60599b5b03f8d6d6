"""Who hears of what was said in a channel."""

from datetime import timedelta
from uuid import UUID

from majlis.app import App
from majlis.features.attention import service
from majlis.features.attention.model import Missed, Said
from majlis.features.conversations import service as conversations
from majlis.features.messages.facts import SaidInChannel
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me

READING = timedelta(seconds=20)  # what somebody whose device is in use gets before they are told
NOBODY = UUID(int=0)


@facts.on(SaidInChannel)
async def tell_of_message(app: App, fact: SaidInChannel) -> None:
    """Somebody wrote in a channel."""
    await _tell_some(app, Said(fact.message_id, NOBODY))


@facts.job
async def tell_more_of_message(app: App, said: Said) -> None:
    """The members behind those who were told already."""
    await _tell_some(app, said)


async def _tell_some(app: App, said: Said) -> None:
    """Those who have a device in use get some time to read it there; @here means nobody else."""
    async with app.db.fresh() as tx:
        called = await service.called(tx, Me.system, said.message_id, said.after)
    there = await conversations.active(app, Me.system, {one.user_id for one in called})
    async with app.db.tx() as tx:
        for one in called:
            if one.user_id in there:
                await facts.enqueue(tx, tell_of_missed, Missed(said.message_id, one.user_id), after=READING)
            elif not one.if_there:
                await service.tell(tx, Me.system, said.message_id, one)
        if len(called) == service.CALLS:
            await facts.enqueue(tx, tell_more_of_message, Said(said.message_id, called[-1].user_id))


@facts.job
async def tell_of_missed(tx: Tx, missed: Missed) -> None:
    """Somebody had time to read a message, and did not."""
    for one in await service.called(tx, Me.system, missed.message_id, NOBODY, missed.user_id):
        await service.tell(tx, Me.system, missed.message_id, one)
