"""Conversations for tests of sockets."""

import uuid
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from majlis.features.conversations import service as conversations
from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.kit.me import Me
from tests.surfaces.realtime.wires import Frame, Wire
from tests.world import Person, World


def giving_way(patch: pytest.MonkeyPatch, module: Any) -> None:
    """Let PostgreSQL end what `say` of a module stores, as it does with one of two that wait in a circle."""

    async def say(*_: Any) -> None:
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    patch.setattr(module, "say", say)


def dm(world: World, one: Person, other: Person) -> str:
    """The stream of the conversation of two."""

    async def make() -> UUID:
        async with world.app.db.tx() as tx:
            return (await conversations.open_dm(tx, one.me, other.id))[0]

    return f"c_{world.go(make())}"


def group(world: World, owner: Person, *others: Person) -> str:
    """The stream of a conversation of several."""

    async def make() -> UUID:
        async with world.app.db.tx() as tx:
            return await conversations.open_group(tx, owner.me, "group_dm", [one.id for one in others])

    return f"c_{world.go(make())}"


async def say(wire: Wire, stream: str, text: str, **more: Any) -> Frame:
    """Send a message over a socket."""
    key = more.pop("client_msg_id", None) or str(uuid.uuid4())
    return await wire.ask(
        "send", stream=stream, client_msg_id=key, message={"type": "text", "text": text, **more}
    )


async def write(world: World, who: Me, stream: str, text: str, key: str | None = None) -> int:
    """Send a message past all sockets; its seq."""
    async with world.app.db.tx() as tx:
        sent = await messages.send(tx, who, UUID(stream[2:]), Sending(client_msg_id=key, text=text))
    return sent.seq


async def add(world: World, who: Person, stream: str, other: Person) -> None:
    """Bring somebody in."""
    async with world.app.db.tx() as tx:
        await conversations.add_members(tx, who.me, UUID(stream[2:]), [other.id])


async def remove(world: World, who: Person, stream: str, other: Person) -> None:
    """Take somebody out."""
    async with world.app.db.tx() as tx:
        await conversations.remove_member(tx, who.me, UUID(stream[2:]), other.id)
