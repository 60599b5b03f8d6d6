"""Who sees what of a conversation: members, those who left, those who came later, those across a block."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from majlis.features.messages import service
from majlis.features.messages.model import (
    Archived,
    MayNotWrite,
    NoMessage,
    NotAccepted,
    NotMember,
    NotSender,
    Sending,
    WindowClosed,
    conversation_stream,
    user_stream,
)
from majlis.kit import clock
from majlis.kit.errors import Forbidden, Invalid, NotFound, Refused
from majlis.kit.me import Me
from tests.features.chat.chatting import privacy
from tests.features.messages.talking import EVERYTHING, act, data, dm, group, history, log, said
from tests.features.posts.writing import block
from tests.world import Person, World


def refused(kind: type[Refused], world: World, verb: Any, who: Person, *args: Any, **options: Any) -> None:
    with pytest.raises(kind) as found:
        act(world, verb, who, *args, **options)
    assert type(found.value) is kind or kind in (Invalid, NotFound)


def test_who_left_sees_nothing_later(world: World) -> None:
    amina, karim, leila = (world.person() for _ in range(3))
    conversation_id = group(world, amina, [karim, leila])
    before = said(world, amina, conversation_id, "before")
    act(world, service.remove_member, amina, conversation_id, karim.id)
    after = said(world, amina, conversation_id, "after")
    act(world, service.react, leila, before.id, "👍")
    assert [event.type for event in log(world, karim, conversation_id)] == [
        "message.created",
        "member.removed",
    ]
    assert len(log(world, leila, conversation_id)) == 4
    stream = conversation_stream(conversation_id)
    heads = act(world, service.heads, karim, [stream])
    assert (heads.heads, heads.denied) == ({}, {stream: "not_a_member"})
    assert stream not in act(world, service.mine, karim)
    assert act(world, service.still_member, karim, [amina.id, karim.id, leila.id], conversation_id) == {
        amina.id, leila.id,
    }  # fmt: skip
    sending = Sending(text="let me in")
    refused(NotMember, world, service.send, karim, conversation_id, sending)
    refused(NotMember, world, service.history, karim, conversation_id, EVERYTHING)
    refused(NotMember, world, service.summary, karim, conversation_id)
    refused(NotMember, world, service.mark_read, karim, conversation_id, 9)
    refused(NotMember, world, service.mark_unread, karim, conversation_id, 1)
    refused(NotMember, world, service.add_members, karim, conversation_id, [karim.id])
    for message in (before, after):
        refused(NoMessage, world, service.get, karim, message.id)
        bare: list[Any] = [service.delete, service.pin, service.unpin]
        for verb in bare:
            refused(NoMessage, world, verb, karim, message.id)
        with_text: list[Any] = [service.react, service.unreact, service.edit]
        for verb in with_text:
            refused(NoMessage, world, verb, karim, message.id, "x")
    told = act(world, service.events, karim, user_stream(karim.id), 0, 100)
    assert (told[-1].type, data(told[-1])["conversation_id"]) == (
        "conversation.removed",
        str(conversation_id),
    )


def test_who_leaves_is_out_and_may_come_back_to_what_is_new(world: World) -> None:
    amina, karim, leila = (world.person() for _ in range(3))
    conversation_id = group(world, amina, [karim, leila])
    said(world, amina, conversation_id, "one")
    act(world, service.leave, karim, conversation_id)
    missed = said(world, amina, conversation_id, "two")
    act(world, service.add_members, amina, conversation_id, [karim.id])
    new = said(world, amina, conversation_id, "three")
    assert [message.id for message in history(world, karim, conversation_id)] == [new.id]
    refused(NoMessage, world, service.get, karim, missed.id)
    assert [event.type for event in log(world, karim, conversation_id)] == [
        "member.joined",
        "message.created",
    ]
    head = act(world, service.heads, karim, [conversation_stream(conversation_id)]).heads.popitem()[1]
    assert (head.seq, head.min_seq) == (5, 4)
    assert act(world, service.summary, karim, conversation_id).unread_count == 1


def test_strangers_get_nothing(world: World) -> None:
    amina, karim, eve = (world.person() for _ in range(3))
    conversation_id = dm(world, amina, karim)
    message = said(world, amina, conversation_id)
    assert log(world, eve, conversation_id) == []
    assert act(world, service.events, eve, user_stream(amina.id), 0, 10) == []
    names = [
        conversation_stream(conversation_id),
        user_stream(amina.id),
        "c_x",
        "",
        "u_",
        user_stream(eve.id),
    ]
    heads = act(world, service.heads, eve, names)
    assert heads.denied == dict.fromkeys(names[:-1], "not_a_member")
    assert list(heads.heads) == [user_stream(eve.id)]
    refused(NoMessage, world, service.get, eve, message.id)
    refused(NotMember, world, service.send, eve, conversation_id, Sending(text="a"))
    refused(NotMember, world, service.send, amina, uuid4(), Sending(text="a"))
    act(world, service.acknowledge, eve, {conversation_stream(conversation_id): 5, "c_x": 1})
    assert world.sql("SELECT max(delivered_seq) AS seq FROM conversation_members") == [{"seq": 0}]


def test_a_group_is_made_of_people_who_meet(world: World) -> None:
    amina, karim, leila = (world.person() for _ in range(3))
    block(world, karim, amina)
    refused(NotFound, world, service.open_group, amina, "group_dm", [karim.id, leila.id])
    conversation_id = group(world, amina, [leila])
    refused(NotFound, world, service.add_members, amina, conversation_id, [karim.id])
    refused(NotFound, world, service.add_members, amina, conversation_id, [uuid4()])
    many = [world.person().id for _ in range(50)]
    refused(Invalid, world, service.open_group, amina, "group_dm", many)
    refused(Invalid, world, service.add_members, amina, conversation_id, many)
    act(world, service.add_members, amina, conversation_id, many[:48])
    assert len(act(world, service.members, amina, conversation_id)) == 50


def test_two_people_stay_in_their_conversation(world: World) -> None:
    amina, karim, leila = (world.person() for _ in range(3))
    conversation_id = dm(world, amina, karim)
    refused(Forbidden, world, service.leave, amina, conversation_id)
    refused(Forbidden, world, service.add_members, amina, conversation_id, [leila.id])
    refused(Forbidden, world, service.remove_member, amina, conversation_id, karim.id)


def test_across_a_block_only_taking_back_is_left(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    own, other = said(world, karim, conversation_id), said(world, amina, conversation_id)
    block(world, amina, karim)
    for who in (amina, karim):
        refused(MayNotWrite, world, service.send, who, conversation_id, Sending(text="a"))
        for verb, args in ((service.react, ["x"]), (service.pin, []), (service.unpin, [])):
            refused(MayNotWrite, world, verb, who, own.id, *args)
    refused(MayNotWrite, world, service.edit, karim, own.id, "b")
    refused(NoMessage, world, service.delete, karim, other.id)
    refused(NoMessage, world, service.get, karim, own.id)
    stream = conversation_stream(conversation_id)
    assert act(world, service.heads, karim, [stream]).denied == {stream: "not_a_member"}
    assert act(world, service.mine, karim) == [user_stream(karim.id)]
    act(world, service.delete, karim, own.id)
    assert [message.id for message in history(world, amina, conversation_id)] == [other.id]


def test_settings_hold_for_new_messages_only(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    message = said(world, amina, conversation_id)
    privacy(world, karim, "Only me")
    refused(NotAccepted, world, service.send, amina, conversation_id, Sending(text="a"))
    act(world, service.edit, amina, message.id, "corrected")


def test_nothing_is_written_to_what_is_archived(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = group(world, amina, [karim])
    message = said(world, amina, conversation_id)
    world.sql("UPDATE conversations SET archived_at = now() RETURNING 1")
    refused(Archived, world, service.send, amina, conversation_id, Sending(text="a"))
    refused(Archived, world, service.react, karim, message.id, "x")
    refused(Archived, world, service.leave, karim, conversation_id)
    head = act(world, service.heads, amina, [conversation_stream(conversation_id)]).heads.popitem()[1]
    assert head.status == "archived"
    assert len(history(world, amina, conversation_id)) == 1


def test_only_senders_change_what_they_said(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    message = said(world, amina, conversation_id, "one")
    refused(NotSender, world, service.edit, karim, message.id, "two")
    refused(NotSender, world, service.delete, karim, message.id)
    act(world, service.edit, amina, message.id, "two", timedelta(hours=1))
    with clock.shifted(timedelta(hours=2)):
        refused(WindowClosed, world, service.edit, amina, message.id, "three", timedelta(hours=1))
    for text in ("", "  ", "a" * 40_001, "a\0"):
        refused(Invalid, world, service.edit, amina, message.id, text)
    (now,) = history(world, amina, conversation_id)
    assert (now.text, now.edited_at is not None, now.seq) == ("two", True, message.seq)
    assert world.sql("SELECT text, seq FROM message_edits") == [{"text": "one", "seq": 2}]


def test_repeating_changes_nothing(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    message = said(world, amina, conversation_id)
    verbs: list[tuple[Any, list[Any]]] = [
        (service.react, ["👍"]), (service.unreact, ["👍"]), (service.pin, []), (service.unpin, []),
    ]  # fmt: skip
    for expected, (verb, args) in enumerate(verbs, 2):
        assert {act(world, verb, karim, message.id, *args) for _ in range(3)} == {expected}
    assert len(log(world, amina, conversation_id)) == 5
    act(world, service.delete, amina, message.id)
    refused(NoMessage, world, service.react, karim, message.id, "👍")


def test_what_a_deleted_message_said_is_in_no_log(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    message = said(world, amina, conversation_id, "a secret")
    act(world, service.edit, amina, message.id, "another secret")
    act(world, service.delete, amina, message.id)
    assert [(event.seq, event.type) for event in log(world, karim, conversation_id)] == [
        (seq, "message.deleted") for seq in (1, 2, 3)
    ]
    assert world.sql("SELECT 1 FROM conversation_events WHERE payload::text LIKE '%secret%'") == []
    other = said(world, amina, conversation_id, "a secret")
    world.sql("DELETE FROM messages WHERE id = $1 RETURNING 1", other.id)
    assert world.sql("SELECT 1 FROM conversation_events WHERE payload::text LIKE '%secret%'") == []


def test_pointers_move_forward_by_reading_and_back_on_purpose(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    for n in range(4):
        said(world, amina, conversation_id, f"m{n}")

    def unread() -> int:
        return int(act(world, service.summary, karim, conversation_id).unread_count)

    assert [act(world, service.mark_read, karim, conversation_id, seq) for seq in (2, 1, 2)] == [2, 2, 2]
    assert unread() == 2
    assert act(world, service.mark_read, karim, conversation_id, 10**30) == 4
    assert unread() == 0
    assert act(world, service.mark_unread, karim, conversation_id, 3) == 2
    assert unread() == 2
    assert act(world, service.mark_unread, karim, conversation_id, 2**62) == 2
    assert act(world, service.mark_unread, karim, conversation_id, -5) == 0
    for who, expected in ((karim, [2, 4, 2, 0]), (amina, [2, 4])):
        events = act(world, service.events, who, user_stream(who.id), 0, 100)
        moved = [data(event)["last_read_seq"] for event in events if event.type == "read.updated"]
        assert moved == expected, "marking as unread is nobody else's business"
    act(world, service.acknowledge, karim, {conversation_stream(conversation_id): 10**30})
    assert world.sql("SELECT delivered_seq FROM conversation_members WHERE user_id = $1", karim.id) == [
        {"delivered_seq": 4}
    ]


def test_old_entries_go_and_the_log_says_so(world: World) -> None:
    amina, karim = world.person(), world.person()
    conversation_id = dm(world, amina, karim)
    for n in range(3):
        said(world, amina, conversation_id, f"m{n}")
    act(world, service.mark_read, karim, conversation_id, 3)
    with clock.shifted(timedelta(days=10)):
        said(world, amina, conversation_id, "m3")
        before = clock.now() - timedelta(days=5)

    async def purge() -> list[bool]:
        async with world.app.db.tx() as tx:
            return [await service.purge(tx, Me.system, before) for _ in range(2)]

    assert world.go(purge()) == [True, False]
    names = [conversation_stream(conversation_id), user_stream(karim.id)]
    heads = act(world, service.heads, karim, names).heads
    assert [(heads[name].seq, heads[name].min_seq) for name in names] == [(4, 4), (2, 3)]
    assert [event.seq for event in log(world, karim, conversation_id)] == [4]
    assert len(history(world, karim, conversation_id)) == 4
    assert act(world, service.last_seqs, karim, names) == dict(zip(names, (4, 2), strict=True))
