"""The sequence of a conversation: no holes, one order, one message for each key. Each race has its control."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from majlis.features.messages import service, store
from majlis.features.messages.model import ReusedKey, Sending, Sent, conversation_stream
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.messages.talking import act, dm, group, history, log, said, say
from tests.waiting import until_waiting
from tests.world import Person, World

MANY = 100


def crowd(world: World) -> tuple[list[Person], UUID]:
    people = [world.person() for _ in range(10)]
    return people, group(world, people[0], people[1:])


async def reader(world: World, conversation_id: UUID, until: int) -> list[int]:
    """Seqs as somebody gets them who always asks for what is behind the last one they saw."""
    seen: list[int] = []
    while len(seen) < until and (not seen or seen[-1] < until):
        async with world.app.db.read() as tx:
            after = seen[-1] if seen else 0
            events = await service.events(tx, Me.system, conversation_stream(conversation_id), after, 500)
        seen += [event.seq for event in events]
    return seen


async def everybody_talks(world: World, people: list[Person], conversation_id: UUID) -> list[Sent]:
    """Many messages at once; some of their transactions fail behind the message."""

    async def fails(who: Person) -> None:
        async with world.app.db.tx() as tx:
            await service.send(tx, who.me, conversation_id, Sending(text="never"))
            raise ZeroDivisionError

    work = [say(world, people[n % len(people)], conversation_id, f"m{n}") for n in range(MANY)]
    # First, and as many as there are connections: each has come to nothing before a message follows on its connection.
    failing = [fails(people[n]) for n in range(len(people))]
    found = await asyncio.gather(*failing, *work, return_exceptions=True)
    assert [type(one) for one in found[: len(failing)]] == [ZeroDivisionError] * len(failing)
    return [one for one in found[len(failing) :] if isinstance(one, Sent)]


def test_many_senders_leave_no_hole_and_readers_miss_nothing(clone: World) -> None:
    people, conversation_id = crowd(clone)

    async def run() -> tuple[list[Sent], list[list[int]]]:
        talking = asyncio.create_task(everybody_talks(clone, people, conversation_id))
        readers = [asyncio.create_task(reader(clone, conversation_id, MANY)) for _ in range(2)]
        return await talking, [await one for one in readers]

    sent, seen = clone.go(run())
    assert sorted(one.seq for one in sent) == list(range(1, MANY + 1))
    assert seen == [list(range(1, MANY + 1))] * 2
    stamps = [m.ts_us for m in reversed(history(clone, people[0], conversation_id))]
    assert stamps == sorted(set(stamps))
    assert clone.sql("SELECT last_seq FROM conversations") == [{"last_seq": MANY}]


def test_control_a_database_sequence_leaves_holes(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people, conversation_id = crowd(clone)
    clone.sql("CREATE SEQUENCE entries")
    changed = store.SEND.sql.replace("c.last_seq + 1 AS seq", "nextval('entries') AS seq")
    assert changed != store.SEND.sql
    monkeypatch.setattr(store, "SEND", Query(store.Stamped, changed))
    sent = clone.go(everybody_talks(clone, people, conversation_id))
    assert sorted(one.seq for one in sent) != list(range(1, MANY + 1))


def test_control_without_the_lock_entries_come_out_of_order_or_clash(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of a sequence without the lock: a reader passes a number that is not committed yet."""
    people, conversation_id = crowd(clone)
    clone.sql("CREATE SEQUENCE entries")
    changed = store.SEND.sql.replace("c.last_seq + 1 AS seq", "nextval('entries') AS seq")
    changed = changed.replace("FOR NO KEY UPDATE OF c FOR SHARE OF me", "")
    monkeypatch.setattr(store, "SEND", Query(store.Stamped, changed))
    clone.sql("CREATE OR REPLACE FUNCTION conversation_said(conversation uuid, entry bigint, moment_us bigint,"
              " moment timestamptz, message uuid, said jsonb, at timestamptz) RETURNS void LANGUAGE sql AS $$"
              " INSERT INTO conversation_events (conversation_id, seq, type, message_id, payload, created_at)"
              " VALUES (conversation, entry, 'message.created', message, said, at) $$")  # fmt: skip

    async def run() -> list[int]:
        first = clone.app.db.tx()
        async with first:
            await service.send(first, people[0].me, conversation_id, Sending(text="slow"))
            await say(clone, people[1], conversation_id, "quick")
            async with clone.app.db.read() as tx:
                ahead = await service.events(tx, Me.system, conversation_stream(conversation_id), 0, 10)
        async with clone.app.db.read() as tx:
            behind = await service.events(
                tx, Me.system, conversation_stream(conversation_id), ahead[-1].seq, 10
            )
        return [event.seq for event in (*ahead, *behind)]

    assert clone.go(run()) == [2], "1 came after 2 and is lost to this reader"


def test_a_slow_sender_is_waited_for(clone: World) -> None:
    """The same as the control above, with the lock."""
    people, conversation_id = crowd(clone)

    async def run() -> tuple[int, list[int]]:
        async with clone.app.db.tx() as first:
            await service.send(first, people[0].me, conversation_id, Sending(text="slow"))
            quick = asyncio.create_task(say(clone, people[1], conversation_id, "quick"))
            await until_waiting(clone, 1, quick)
            async with clone.app.db.read() as tx:
                ahead = await service.events(tx, Me.system, conversation_stream(conversation_id), 0, 10)
        return len(ahead), [(await quick).seq]

    assert clone.go(run()) == (0, [2])


# ---- one key, one message


async def twice_at_once(world: World, who: Person, conversation_id: UUID) -> list[Sent | BaseException]:
    """The same key through two connections, the second while the first is not committed; later messages follow."""
    key = str(uuid4())
    async with world.app.db.tx() as tx:
        first = await service.send(tx, who.me, conversation_id, Sending(text="once", client_msg_id=key))
        second = asyncio.create_task(say(world, who, conversation_id, "once", key))
        await until_waiting(world, 1, second)
    (other,) = await asyncio.gather(second, return_exceptions=True)
    after = await say(world, who, conversation_id, "after")
    return [first, other, after]


def test_a_key_that_comes_twice_at_once_makes_one_message(clone: World) -> None:
    people, conversation_id = crowd(clone)
    first, second, after = clone.go(twice_at_once(clone, people[0], conversation_id))
    assert isinstance(first, Sent) and isinstance(second, Sent) and isinstance(after, Sent)
    assert (first.duplicate, second.duplicate, after.duplicate) == (False, True, False)
    assert (second.message.id, second.seq, after.seq) == (first.message.id, 1, 2)
    assert [message.text for message in history(clone, people[0], conversation_id)] == ["after", "once"]
    assert [event.seq for event in log(clone, people[0], conversation_id)] == [1, 2]


def test_control_without_the_constraint_there_are_two(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people, conversation_id = crowd(clone)
    clone.sql("ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_sender_id_client_msg_id_key")
    changed = re.sub(r"ON CONFLICT .* DO NOTHING", "", store.SEND.sql)
    monkeypatch.setattr(store, "SEND", Query(store.Stamped, changed))
    clone.go(twice_at_once(clone, people[0], conversation_id))
    assert [message.text for message in history(clone, people[0], conversation_id)] == [
        "after",
        "once",
        "once",
    ]


def test_control_with_the_constraint_alone_the_second_fails(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, conversation_id = crowd(clone)
    changed = re.sub(r"ON CONFLICT .* DO NOTHING", "", store.SEND.sql)
    monkeypatch.setattr(store, "SEND", Query(store.Stamped, changed))
    _, second, _ = clone.go(twice_at_once(clone, people[0], conversation_id))
    assert isinstance(second, asyncpg.UniqueViolationError)


def test_a_storm_of_the_same_keys(clone: World) -> None:
    people, conversation_id = crowd(clone)
    keys = [str(uuid4()) for _ in range(10)]

    async def run() -> list[Sent]:
        return await asyncio.gather(
            *(say(clone, people[0], conversation_id, key, key) for _ in range(6) for key in keys)
        )

    sent = clone.go(run())
    assert sorted({one.seq for one in sent}) == list(range(1, 11))
    assert sum(not one.duplicate for one in sent) == 10
    assert len({(one.message.text, one.message.id, one.seq) for one in sent}) == 10


def test_a_key_is_kept_for_ever_and_for_what_was_said(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    first = said(world, amina, conversation_id, "hello", client_msg_id="k")
    act(world, service.edit, amina, first.id, "hello!")
    with clock.shifted(timedelta(days=400)):
        again = act(world, service.send, amina, conversation_id, Sending(text="hello", client_msg_id="k"))
    assert (again.duplicate, again.message.id, again.seq) == (True, first.id, 1)
    others = (
        Sending(client_msg_id="k", text="other"),
        Sending(client_msg_id="k", text="hello", type="x"),
        Sending(client_msg_id="k", text="hello", data=msgspec.Raw(b'{"a": 1}')),
    )
    for other in others:
        with pytest.raises(ReusedKey) as refused:
            act(world, service.send, amina, conversation_id, other)
        assert (refused.value.status, refused.value.code) == (409, "client_msg_id_reused")
    assert said(world, karim, conversation_id, "other", client_msg_id="k").seq == 3, "a key is its sender's"


# ---- time


def test_a_clock_that_is_set_back_changes_no_order(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    first = said(world, amina, conversation_id, "one")
    with clock.shifted(timedelta(hours=-1)):
        second = said(world, karim, conversation_id, "two")
        third = said(world, amina, conversation_id, "three")
    assert second.ts_us == first.ts_us + 1
    assert third.ts_us == second.ts_us + 1
    assert first.created_at < second.created_at < third.created_at
    assert [message.text for message in history(world, amina, conversation_id)] == ["three", "two", "one"]
