"""Following streams: nothing is missed, nothing comes twice, and nobody gets what is not theirs."""

import asyncio
import random
import uuid
from typing import Any
from uuid import UUID

import msgspec
import pytest

from majlis.features.conversations import service as conversations
from majlis.features.conversations.model import Event
from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.kit import clock, hints
from majlis.kit.page import Paging
from majlis.surfaces.realtime import frames, hub
from majlis.surfaces.realtime.outbox import FRAMES
from tests.surfaces.realtime.talking import add, dm, group, remove, say, write
from tests.surfaces.realtime.wires import Frame, Wire, signed_in
from tests.world import World


async def _unheard(world: World, *work: Any) -> None:
    """Do this as a process would that dies before it can tell anybody."""
    hints.disconnect(world.app.bus)
    try:
        for one in work:
            await one
    finally:
        hints.connect(world.app.bus)


async def _seqs(wire: Wire, stream: str, upto: int) -> list[int]:
    """The numbers of the events that come, until this one."""
    found: list[int] = []
    while not found or found[-1] < upto:
        frame = await wire.until(lambda frame: frame["t"] == "event" and frame["stream"] == stream)
        found.append(frame["seq"])
    return found


def test_a_lost_hint_in_the_middle_is_made_good_by_the_next(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            await write(world, bilal.me, stream, "heard")
            await _unheard(
                world, write(world, bilal.me, stream, "lost"), write(world, bilal.me, stream, "lost too")
            )
            await write(world, bilal.me, stream, "heard again")
            assert await _seqs(one, stream, 4) == [1, 2, 3, 4]

    world.go(main())


def test_a_lost_hint_at_the_end_is_found_by_comparing(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            await _unheard(world, write(world, bilal.me, stream, "lost"))
            await one.quiet()  # the control: nothing but the comparison can find it
            await hub.of(world.app).compare()
            assert await _seqs(one, stream, 1) == [1]

    world.go(main())


def test_hints_that_come_twice_late_or_mixed_change_nothing(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    channel = f"conv:{stream[2:]}"

    async def main() -> None:
        heard: list[bytes] = []
        leave = world.app.bus.subscribe(channel, heard.append)
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            await _unheard(world, *(write(world, bilal.me, stream, f"{n}") for n in range(4)))
            async with world.app.db.tx() as tx:
                entries = await conversations.events(tx, amina.me, stream, 0, 10)
            told = [msgspec.json.encode({"seq": event.seq, "event": event}) for event in entries]
            for at in (2, 0, 2, 1, 0, 3, 3, 1):
                await world.app.bus.publish(channel, told[at])
            assert await _seqs(one, stream, 4) == [1, 2, 3, 4]
            await one.quiet()
        leave()
        assert len(heard) == 8

    world.go(main())


def test_what_is_written_while_somebody_subscribes_comes_once(world: World) -> None:
    """Between entering the room and reading the log, and between reading it and hearing of what is new."""
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        for n in range(1, 6):
            await write(world, bilal.me, stream, f"{n}")
        async with signed_in(world, amina) as one:
            one.put({"t": "subscribe", "id": "s", "streams": {stream: {"after_seq": 2}}})
            await asyncio.gather(*(write(world, bilal.me, stream, f"meanwhile {n}") for n in range(20)))
            assert await _seqs(one, stream, 25) == list(range(3, 26))

    world.go(main())


def test_edits_deletions_and_reactions_while_away_are_seen(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    conversation = UUID(stream[2:])

    async def change() -> None:
        async with world.app.db.tx() as tx:
            first = (await messages.send(tx, bilal.me, conversation, Sending(text="first"))).message
            second = (await messages.send(tx, bilal.me, conversation, Sending(text="second"))).message
        async with world.app.db.tx() as tx:
            await messages.edit(tx, bilal.me, first.id, "first!")
            await messages.react(tx, bilal.me, first.id, "+1")
            await messages.pin(tx, bilal.me, first.id)
            await messages.delete(tx, bilal.me, second.id)

    async def main() -> None:
        await change()
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {"after_seq": 0}})
            events = [await one.until(lambda frame: frame["t"] == "event") for _ in range(6)]
            assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6]
            types = [event["type"] for event in events]
            assert types == [
                "message.created", "message.deleted", "message.updated", "reaction.added", "pin.added",
                "message.deleted",
            ]  # fmt: skip
            assert events[2]["data"]["message"]["text"] == "first!"
            assert "second" not in str(events)

    world.go(main())


def test_whoever_is_removed_hears_no_more_and_gets_nothing_later(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    stream = group(world, amina, bilal, dara)

    async def main() -> None:
        async with signed_in(world, bilal) as b, signed_in(world, dara) as d:
            await b.ask("subscribe", streams={stream: {}})
            await d.ask("subscribe", streams={stream: {}})
            await write(world, amina.me, stream, "for three")
            await asyncio.gather(
                remove(world, amina, stream, bilal),
                *(write(world, amina.me, stream, f"{n}") for n in range(10)),
            )
            got = await _seqs(d, stream, 12)
            assert got == list(range(1, 13))
            closed = await b.until(lambda frame: frame["t"] == "stream_closed")
            assert (closed["stream"], closed["reason"]) == (stream, "removed")
            await b.quiet("stream_closed")
            mine = [frame for frame in b.waiting if frame["t"] == "event"]
            assert mine[-1]["type"] == "member.removed", mine
            assert (await say(b, stream, "still here?"))["code"] == "not_a_member"
            b.put({"t": "typing", "stream": stream})
            await b.ask("ping")
            await d.quiet("eph")
        async with signed_in(world, bilal) as b:  # nor by replay
            answer = await b.ask("subscribe", streams={stream: {"after_seq": 1}})
            assert answer["streams"] == {} and answer["denied"] == {stream: "not_a_member"}
            await write(world, amina.me, stream, "later")
            await b.quiet()

    world.go(main())


def test_whoever_comes_back_sees_what_comes_from_then_on(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = group(world, amina, bilal)

    async def main() -> None:
        await remove(world, amina, stream, bilal)  # 1
        await write(world, amina.me, stream, "not for Bilal")  # 2
        await add(world, amina, stream, bilal)  # 3
        await write(world, amina.me, stream, "welcome")  # 4
        async with signed_in(world, bilal) as b:
            answer = await b.ask("subscribe", streams={stream: {"after_seq": 0}})
            assert answer["streams"] == {stream: {"status": "gap", "seq": 4, "min_seq": 3}}
            answer = await b.ask("subscribe", streams={stream: {"after_seq": 2}})
            assert answer["streams"] == {stream: {"status": "resumed", "seq": 4, "replay": 2}}
            assert await _seqs(b, stream, 4) == [3, 4]

    world.go(main())


def test_a_place_before_the_log_is_a_gap_and_then_it_goes_on(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        for n in range(1, 6):
            await write(world, bilal.me, stream, f"{n}")
        async with world.app.db.tx() as tx:
            await tx.run(
                "DELETE FROM conversation_events WHERE conversation_id = $1 AND seq <= 3", UUID(stream[2:])
            )
            await tx.run("UPDATE conversations SET min_seq = 4 WHERE id = $1", UUID(stream[2:]))
        async with signed_in(world, amina) as one:
            for after, status in ((1, "gap"), (2, "gap"), (6, "gap")):
                answer = await one.ask("subscribe", streams={stream: {"after_seq": after}})
                assert answer["streams"] == {stream: {"status": status, "seq": 5, "min_seq": 4}}
            await one.quiet()
            await write(world, bilal.me, stream, "live")
            assert await _seqs(one, stream, 6) == [6]
        async with signed_in(world, amina) as one:
            answer = await one.ask("subscribe", streams={stream: {"after_seq": 3}})
            assert answer["streams"] == {stream: {"status": "resumed", "seq": 6, "replay": 3}}
            assert await _seqs(one, stream, 6) == [4, 5, 6]

    world.go(main())


def _log(world: World, stream: str, sender: UUID, upto: int) -> None:
    """A log of so many entries, faster than by writing messages."""
    world.sql(
        """INSERT INTO conversation_events (conversation_id, seq, type, payload, created_at)
        SELECT $1, n, 'test.entry', jsonb_build_object('n', n), now() FROM generate_series(1, $2::int) AS n
        RETURNING seq""",
        UUID(stream[2:]), upto,
    )  # fmt: skip
    world.sql("UPDATE conversations SET last_seq = $2 WHERE id = $1 RETURNING id", UUID(stream[2:]), upto)


def test_a_long_replay_comes_whole_though_little_may_wait(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)
    _log(world, stream, bilal.id, 600)
    assert FRAMES < 500

    async def main() -> None:
        async with signed_in(world, amina) as one:
            answer = await one.ask("subscribe", streams={stream: {"after_seq": 99}})
            assert answer["streams"][stream]["status"] == "gap"
            answer = await one.ask("subscribe", streams={stream: {"after_seq": 100}})
            assert answer["streams"][stream] == {"status": "resumed", "seq": 600, "replay": 500}
            assert await _seqs(one, stream, 600) == list(range(101, 601))

    world.go(main())


def test_all_streams_together_replay_so_much_only(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    streams = [group(world, amina, bilal) for _ in range(5)]
    for stream in streams:
        _log(world, stream, bilal.id, 450)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            answer = await one.ask("subscribe", streams={stream: {"after_seq": 0} for stream in streams})
            found = [answer["streams"][stream]["status"] for stream in streams]
            assert found == ["resumed"] * 4 + ["gap"]
            for stream in streams[:4]:
                assert await _seqs(one, stream, 450) == list(range(1, 451))

    world.go(main())


@pytest.mark.rule("afrochat:R14", "afrochat:D9")
def test_streams_of_others_are_denied(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    theirs, own = dm(world, bilal, dara), dm(world, amina, bilal)
    nothing = f"c_{uuid.uuid4()}"
    wrong = {theirs: "not_a_member", f"u_{bilal.id}": "not_a_member", nothing: "not_a_member"}
    unknown = {"x": "not_found", "c_1": "not_found", f"x_{bilal.id}": "not_found", own.upper(): "not_found"}

    async def main() -> None:
        async with signed_in(world, amina) as one:
            wanted: dict[str, Any] = {name: {"after_seq": 0} for name in (*wrong, *unknown, own)}
            answer = await one.ask("subscribe", streams=wanted)
            assert answer["denied"] == {**wrong, **unknown}
            assert answer["streams"] == {own: {"status": "resumed", "seq": 0, "replay": 0}}
            await write(world, bilal.me, theirs, "private")
            await one.quiet()
            assert set(hub.of(world.app).rooms.names()) == {own}

    world.go(main())


def test_nobody_follows_more_than_a_thousand_streams(world: World) -> None:
    amina = world.person("Amina")

    async def main() -> None:
        async with signed_in(world, amina) as one:
            wanted: dict[str, Any] = {f"c_{uuid.uuid4()}": {} for _ in range(hub.MOST_STREAMS + 1)}
            assert (await one.ask("subscribe", streams=wanted))["code"] == "too_many_streams"
            wanted.popitem()
            assert len((await one.ask("subscribe", streams=wanted))["denied"]) == hub.MOST_STREAMS

    world.go(main())


@pytest.mark.rule("afrochat:R14")
def test_whoever_unsubscribes_hears_no_more(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            await one.ask("subscribe", streams={stream: {}})
            assert (await one.ask("unsubscribe", streams=[stream, "x"]))["t"] == "ok"
            await write(world, bilal.me, stream, "hi")
            await one.quiet()
            await one.quiet("stream_closed")
            assert not hub.of(world.app).rooms.names()

    world.go(main())


def test_joined_follows_everything_also_what_is_new(world: World) -> None:
    amina, bilal, dara = world.person("Amina"), world.person("Bilal"), world.person("Dara")
    old = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as one:
            answer = await one.ask("subscribe", streams={}, joined=True)
            assert set(answer["streams"]) == {old, f"u_{amina.id}"}
            await write(world, bilal.me, old, "old friend")
            assert (await one.event("message.created", old))["seq"] == 1
            async with world.app.db.tx() as tx:
                made, _ = await conversations.open_dm(tx, dara.me, amina.id)
                await messages.send(tx, dara.me, made, Sending(text="new friend"))
            event = await one.event("message.created", f"c_{made}")
            assert (event["seq"], event["data"]["message"]["text"]) == (1, "new friend")
            await write(world, dara.me, f"c_{made}", "again")
            assert (await one.event("message.created", f"c_{made}"))["seq"] == 2

    world.go(main())


def test_an_event_that_is_too_large_is_named_only() -> None:
    id = uuid.uuid4()
    data = msgspec.json.encode({"message": {"id": id, "text": "a" * frames.MAX_EVENT}})
    event = Event("c_1", 7, "message.created", clock.now(), msgspec.Raw(data))
    frame: Frame = msgspec.json.decode(frames.Shared(event).wire)
    assert (frame["seq"], frame["truncated"], frame["data"]) == (7, True, {"message": {"id": str(id)}})


@pytest.mark.parametrize("seed", range(3))
def test_old_state_and_replayed_events_give_what_is_read_anew(world: World, seed: int) -> None:
    """Whatever was done: who knows the state at some moment and hears of every event since, knows the present one."""
    choose = random.Random(seed)
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = group(world, amina, bilal)
    conversation = UUID(stream[2:])
    ids: list[UUID] = []

    async def step() -> None:
        who = choose.choice((amina, bilal)).me
        async with world.app.db.tx() as tx:
            act = choose.choice(("send", "send", "edit", "delete", "react", "unreact", "pin", "unpin"))
            target = choose.choice(ids) if ids else None
            if act == "send" or target is None:
                sent = await messages.send(tx, who, conversation, Sending(text=choose.choice("abc")))
                ids.append(sent.message.id)
                return
            owner = {amina.id: amina.me, bilal.id: bilal.me}[(await messages.get(tx, who, target)).sender_id]
            if act == "edit":
                await messages.edit(tx, owner, target, choose.choice("xyz"))
            elif act == "delete":
                await messages.delete(tx, owner, target)
                ids.remove(target)
            elif act in ("react", "unreact"):
                await getattr(messages, act)(tx, who, target, choose.choice(("+1", "heart")))
            else:
                await getattr(messages, act)(tx, who, target)

    async def state() -> dict[str, Any]:
        async with world.app.db.tx() as tx:
            found = await messages.history(tx, amina.me, conversation, Paging(100, None, None))
        return {str(one.id): _state(msgspec.to_builtins(one)) for one in found.items}

    async def main() -> None:
        for _ in range(15):
            await step()
        known = await state()
        async with world.app.db.tx() as tx:
            head = (await conversations.heads(tx, amina.me, [stream])).heads[stream].seq
        for _ in range(25):
            await step()
        async with signed_in(world, amina) as one:
            answer = await one.ask("subscribe", streams={stream: {"after_seq": head}})
            for _ in range(10):
                await step()
            async with world.app.db.tx() as tx:
                end = (await conversations.heads(tx, amina.me, [stream])).heads[stream].seq
            assert answer["streams"][stream]["status"] == "resumed"
            last = head
            while last < end:
                event = await one.until(lambda frame: frame["t"] == "event")
                assert event["seq"] == last + 1
                last = event["seq"]
                _apply(known, event)
        assert known == await state()

    world.go(main())


def _state(message: dict[str, Any]) -> dict[str, Any]:
    reactions = {one["emoji"]: sorted(one["user_ids"]) for one in message["reactions"]}
    return {"text": message["text"], "pinned": message["pinned"], "reactions": reactions}


def _apply(known: dict[str, Any], event: Frame) -> None:
    """What a client does with an event."""
    type, data = event["type"], event["data"]
    if type in ("message.created", "message.updated"):
        known[data["message"]["id"]] = _state(data["message"])
        return
    if type == "message.deleted":
        known.pop(data["message_id"], None)
        return
    message = known.get(data["message_id"])
    if message is None:
        return
    if type in ("pin.added", "pin.removed"):
        message["pinned"] = type == "pin.added"
    elif type in ("reaction.added", "reaction.removed"):
        people = set(message["reactions"].pop(data["emoji"], ()))
        people = people | {data["user_id"]} if type == "reaction.added" else people - {data["user_id"]}
        if people:
            message["reactions"][data["emoji"]] = sorted(people)
