"""Conversations that are opened, left and read at the same moment. Each race has its control."""

import asyncio
import contextlib
from collections import Counter
from uuid import UUID

import asyncpg
import httpx
import pytest

from majlis.features.conversations import store as conversations
from majlis.features.messages import service, store
from majlis.features.messages.model import NotMember, Sending
from majlis.kit.db import Query
from tests.features.chat.chatting import ALL, MESSAGES, opened, say
from tests.features.messages.talking import act, group, log, said
from tests.waiting import until_waiting
from tests.world import Person, World

# ---- sending while being removed


async def _send_while_removed(world: World, owner: Person, gone: Person, conversation_id: UUID) -> bool:
    """Whether somebody whose removal is not yet committed still gets a message in."""

    async def late() -> None:
        async with world.app.db.tx() as tx:
            await service.send(tx, gone.me, conversation_id, Sending(text="late"))

    async with world.app.db.tx() as tx:
        await service.remove_member(tx, owner.me, conversation_id, gone.id)
        sending = asyncio.create_task(late())
        await until_waiting(world, 1, sending)
    with contextlib.suppress(NotMember):
        await sending
        return True
    return False


def test_who_is_being_removed_gets_no_message_in(clone: World) -> None:
    amina, karim = clone.person(), clone.person()
    conversation_id = group(clone, amina, [karim])
    assert clone.go(_send_while_removed(clone, amina, karim, conversation_id)) is False
    assert [event.type for event in log(clone, amina, conversation_id)] == ["member.removed"]
    assert said(clone, amina, conversation_id).seq == 2


def test_control_without_a_lock_on_the_member_it_gets_in(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina, karim = clone.person(), clone.person()
    conversation_id = group(clone, amina, [karim])
    changed = store.SEND.sql.replace("FOR SHARE OF me", "")
    monkeypatch.setattr(store, "SEND", Query(store.Stamped, changed))
    assert clone.go(_send_while_removed(clone, amina, karim, conversation_id)) is True


# ---- opening


def _open_at_once(world: World) -> tuple[Counter[object], int]:
    amina, karim = world.person(), world.person()

    async def run() -> list[object]:
        def ask(who: Person, other: Person) -> "asyncio.Future[httpx.Response]":
            return asyncio.ensure_future(
                world.http.post(ALL, headers=who.auth, json={"user_id": str(other.id)})
            )

        # Nothing can be written before two have seen that there is no pair.
        async with world.app.db.tx() as tx:
            await tx.run("LOCK TABLE dm_pairs IN EXCLUSIVE MODE")
            asked = [ask(amina, karim), ask(karim, amina)]
            await until_waiting(world, 2, *asked)
        asked += [ask(who, other) for _ in range(9) for who, other in ((amina, karim), (karim, amina))]
        found = await asyncio.gather(*asked)
        return [one.json().get("id", one.status_code) for one in found]

    answers = Counter(world.go(run()))
    return answers, len(world.sql("SELECT 1 FROM conversations"))


@pytest.mark.rule("hamsaya:150", "hamsaya:152")
def test_a_pair_that_opens_at_once_has_one_conversation(clone: World) -> None:
    answers, made = _open_at_once(clone)
    assert (list(answers.values()), made) == ([20], 1)


def test_control_without_the_key_of_a_pair_there_are_several(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.sql("ALTER TABLE dm_pairs DROP CONSTRAINT dm_pairs_pkey")
    changed = conversations.OPEN_DM.sql.replace("ON CONFLICT DO NOTHING", "")
    monkeypatch.setattr(conversations, "OPEN_DM", Query(UUID, changed))
    _, made = _open_at_once(clone)
    assert made > 1


def test_control_with_the_key_alone_some_fail(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = conversations.OPEN_DM.sql.replace("ON CONFLICT DO NOTHING", "")
    monkeypatch.setattr(conversations, "OPEN_DM", Query(UUID, changed))
    answers, _ = _open_at_once(clone)
    assert answers[500] > 0


# ---- everything at once


def test_a_storm_of_everything_holds(clone: World) -> None:
    people = [clone.person() for _ in range(5)]
    conversation_id = group(clone, people[0], people[1:])
    messages = [said(clone, who, conversation_id) for who in people]

    async def one(verb: object, who: Person, *args: object) -> object:
        async with clone.app.db.tx() as tx:
            return await verb(tx, who.me, *args)  # type: ignore[operator]

    async def run() -> list[object]:
        work = []
        for n, message in enumerate(messages):
            for who in people:
                work += [
                    one(service.react, who, message.id, "👍"),
                    one(service.send, who, conversation_id, Sending(text="a")),
                    one(service.mark_read, who, conversation_id, n + 1),
                    one(service.pin, who, message.id),
                ]
            if n < 4:  # the fifth leaves, maybe before their edit
                work.append(one(service.edit, people[n], message.id, "b"))
        work.append(one(service.leave, people[4], conversation_id))
        return list(await asyncio.gather(*work, return_exceptions=True))

    found = clone.go(run())
    assert [one for one in found if isinstance(one, asyncpg.PostgresError)] == []
    events = log(clone, people[0], conversation_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    kinds = Counter(event.type for event in events)
    assert (kinds["pin.added"], kinds["member.left"], kinds["message.updated"]) == (5, 1, 4)
    for person in people:
        own = act(clone, service.events, person, f"u_{person.id}", 0, 1000)
        assert [event.seq for event in own] == list(range(1, len(own) + 1))
    stored = clone.sql("SELECT count(*) AS n FROM message_reactions")[0]["n"]
    assert kinds["reaction.added"] == stored


@pytest.mark.rule("hamsaya:152")
def test_reading_at_once_keeps_one_moment(clone: World) -> None:
    amina, karim = clone.person(), clone.person()
    message = say(clone, amina, opened(clone, amina, karim))
    path = f"{MESSAGES}/{message['id']}/read"

    async def run() -> list[str]:
        found = await asyncio.gather(*(clone.http.put(path, headers=karim.auth, json={}) for _ in range(20)))
        return [one.json()["read_at"] for one in found]

    assert len(set(clone.go(run()))) == 1
    assert len(clone.sql("SELECT 1 FROM conversation_reads")) == 1
