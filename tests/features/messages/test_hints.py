"""Hints go out once work is committed, with the entry while it is small; what the log holds looks the same."""

import msgspec
import pytest

from majlis.features.messages import service
from majlis.features.messages.model import Event, Sending
from tests.features.messages.talking import act, dm, log, said
from tests.world import World


class Hint(msgspec.Struct):
    seq: int
    event: Event | None = None


def test_every_entry_is_hinted_at_once_it_is_committed(world: World) -> None:
    amina, karim = world.person(), world.person()
    seen: list[Hint] = []
    told: list[Hint] = []
    conversation_id = dm(world, amina, karim)
    world.app.bus.subscribe(
        f"conv:{conversation_id}", lambda raw: seen.append(msgspec.json.decode(raw, type=Hint))
    )
    world.app.bus.subscribe(f"user:{karim.id}", lambda raw: told.append(msgspec.json.decode(raw, type=Hint)))
    message = said(world, amina, conversation_id)
    act(world, service.edit, amina, message.id, "hello")
    act(world, service.mark_read, karim, conversation_id, 1)
    said(world, amina, conversation_id, "a" * 5000)
    world.drain()
    assert [hint.seq for hint in seen] == [1, 2, 3]
    assert seen[-1].event is None, "too large for a hint"
    replayed = log(world, amina, conversation_id)
    for hint, event in zip(seen[:2], replayed, strict=False):
        assert hint.event is not None
        assert (hint.event.stream, hint.event.type, hint.event.at) == (event.stream, event.type, event.at)
        assert msgspec.json.decode(hint.event.data) == msgspec.json.decode(event.data)
    assert [(hint.seq, hint.event.type) for hint in told if hint.event] == [
        (2, "read.updated"), (3, "notification.created"),
    ]  # fmt: skip


def test_nothing_is_hinted_at_when_the_work_fails(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    seen: list[bytes] = []
    world.app.bus.subscribe(f"conv:{conversation_id}", seen.append)

    async def fails() -> None:
        async with world.app.db.tx() as tx:
            await service.send(tx, amina.me, conversation_id, Sending(text="never"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.go(fails())
    assert said(world, amina, conversation_id, "now").seq == 1
    world.drain()
    assert len(seen) == 1


def test_a_message_costs_a_constant_number_of_queries(world: World) -> None:
    from tests.features.queries import counted

    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    with counted(world) as seen:
        said(world, amina, conversation_id, client_msg_id="1")
    assert len(seen) <= 7, seen
