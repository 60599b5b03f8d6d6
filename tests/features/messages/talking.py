"""Conversations as tests of the engine use them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from majlis.features.messages import service
from majlis.features.messages.model import Event, Message, Sending, Sent, conversation_stream
from majlis.kit import page
from tests.world import Person, World

EVERYTHING = page.Paging(limit=page.MAXIMUM)


def dm(world: World, one: Person, other: Person) -> UUID:
    """The conversation of two people."""

    async def run() -> UUID:
        async with world.app.db.tx() as tx:
            return (await service.open_dm(tx, one.me, other.id))[0]

    return world.go(run())


def group(world: World, owner: Person, others: Sequence[Person]) -> UUID:
    """A conversation of several."""
    return act(world, service.open_group, owner, "group_dm", [other.id for other in others])  # type: ignore[no-any-return]


def act(world: World, verb: Any, who: Person, *args: Any, **options: Any) -> Any:
    """What a verb of the service returns, in a transaction of its own."""

    async def run() -> Any:
        async with world.app.db.tx() as tx:
            return await verb(tx, who.me, *args, **options)

    return world.go(run())


async def say(world: World, who: Person, conversation_id: UUID, text: str, key: str | None = None) -> Sent:
    """Send in a transaction of its own."""
    async with world.app.db.tx() as tx:
        return await service.send(tx, who.me, conversation_id, Sending(text=text, client_msg_id=key))


def said(world: World, who: Person, conversation_id: UUID, text: str = "salaam", **fields: Any) -> Message:
    """A message that is stored."""
    sent: Sent = act(world, service.send, who, conversation_id, Sending(text=text, **fields))
    return sent.message


def log(world: World, who: Person, conversation_id: UUID, after: int = 0) -> list[Event]:
    """What somebody gets of a conversation's log."""
    found: list[Event] = act(world, service.events, who, conversation_stream(conversation_id), after, 1000)
    return found


def history(world: World, who: Person, conversation_id: UUID) -> list[Message]:
    """All messages, newest first."""
    found: list[Message] = act(world, service.history, who, conversation_id, EVERYTHING).items
    return found


def data(event: Event) -> Any:
    """What an entry tells, as plain values."""
    return msgspec.json.decode(event.data)
