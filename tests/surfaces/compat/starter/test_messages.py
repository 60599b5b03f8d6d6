"""Direct messages at the starter door."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

import pytest

from majlis.features.sockets import service as sockets
from majlis.features.sockets.model import Presence
from majlis.kit import clock
from majlis.surfaces.realtime.presence import LIFE
from tests.features.queries import counted
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.world import Person, World

MESSAGE = {"id", "senderId", "receiverId", "content", "type", "status", "createdAt", "sender", "receiver"}


def say(world: World, who: Person, to: Person, content: str = "salaam", **fields: Any) -> Any:
    body = {"receiverId": str(to.id), "content": content, **fields}
    return data(ask(world, "POST", "/messages", who, body), 201)


def history(world: World, who: Person, other: Person, **query: Any) -> Any:
    path = f"/messages?userId={other.id}" + "".join(f"&{name}={value}" for name, value in query.items())
    answer = ask(world, "GET", path, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def unread(world: World, who: Person) -> int:
    return int(data(ask(world, "GET", "/messages/unread-count", who))["unreadCount"])


def seen_by(world: World, who: Person) -> None:
    """They have a socket open somewhere."""

    async def note() -> None:
        now = clock.now()
        async with world.app.db.tx() as tx:
            one = Presence(who.id, uuid.uuid4(), "active", now, now + LIFE)
            await sockets.note(tx, who.me, one.node, [one])

    world.go(note())


@pytest.mark.rule("starter:R17")
@pytest.mark.rule("starter:R18")
def test_sending(world: World) -> None:
    amina, bilal = somebody(world, "Amina"), somebody(world, "Bilal")
    answer = ask(world, "POST", "/messages", amina, {"receiverId": str(bilal.id), "content": "salaam"})
    assert answer.json()["message"] == "Message sent successfully"
    sent = data(answer, 201)
    assert set(sent) == MESSAGE
    assert (sent["senderId"], sent["receiverId"]) == (str(amina.id), str(bilal.id))
    assert (sent["type"], sent["status"], sent["content"]) == ("text", "sent", "salaam")
    assert set(sent["sender"]) == {"id", "name", "email", "avatarUrl", "createdAt"}
    assert sent["sender"]["email"] == ""
    for type in ("image", "file"):
        assert say(world, amina, bilal, "https://example.org/a", type=type)["type"] == type


@pytest.mark.rule("starter:R18")
@pytest.mark.rule("starter:D6")
def test_what_cannot_be_sent(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    to = str(bilal.id)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"content": "x"}, "receiverId"),
        ({"receiverId": "me", "content": "x"}, "receiverId"),
        ({"receiverId": to}, "content"),
        ({"receiverId": to, "content": ""}, "content"),
        ({"receiverId": to, "content": "   "}, "content"),
        ({"receiverId": to, "content": "x" * 5001}, "content"),
        ({"receiverId": to, "content": "x", "type": "video"}, "type"),
        ({"receiverId": to, "content": "x", "status": "read"}, "status"),
        ({"receiverId": str(amina.id), "content": "x"}, "receiverId"),
    ]
    for body, field in wrong:
        refused(ask(world, "POST", "/messages", amina, body), 400, "bad_request", field)
    assert len(say(world, amina, bilal, "é" * 5000)["content"]) == 5000
    nobody = {"receiverId": str(uuid.uuid4()), "content": "x"}
    refused(ask(world, "POST", "/messages", amina, nobody), 404, "receiver_not_found")


def test_nobody_writes_across_a_block(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    say(world, amina, bilal)
    native = world.person()
    world.sql(
        "INSERT INTO user_blocks (blocker_id, blocked_id, created_at) VALUES ($1, $2, now())",
        bilal.id,
        amina.id,
    )
    body = {"receiverId": str(bilal.id), "content": "x"}
    refused(ask(world, "POST", "/messages", amina, body), 404, "receiver_not_found")
    assert history(world, amina, bilal)["data"] == []
    assert data(ask(world, "GET", "/messages/conversations", amina)) == []
    assert native.id


@pytest.mark.rule("starter:R19")
@pytest.mark.rule("starter:D8")
@pytest.mark.rule("starter:D15")
def test_who_is_online_has_it_at_once(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    assert say(world, amina, bilal)["status"] == "sent"
    seen_by(world, bilal)
    assert say(world, amina, bilal)["status"] == "delivered"
    assert [one["status"] for one in history(world, amina, bilal)["data"]] == ["delivered"] * 2


@pytest.mark.rule("starter:R37")
def test_who_wants_no_messages_over_sockets_has_them_later(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    seen_by(world, bilal)
    data(ask(world, "PUT", "/notifications/preferences", bilal, {"categories": {"messages": False}}))
    assert say(world, amina, bilal)["status"] == "sent"


@pytest.mark.rule("starter:R20")
def test_history(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    for number in range(3):
        say(world, amina, bilal, f"a{number}")
        say(world, bilal, amina, f"b{number}")
    say(world, dara, amina, "no part of it")
    body = history(world, amina, bilal)
    assert [one["content"] for one in body["data"]] == ["b2", "a2", "b1", "a1", "b0", "a0"]
    assert body["message"] == "Messages retrieved successfully"
    assert body["pagination"] == {
        "page": 1, "limit": 50, "total": 6, "totalPages": 1, "hasNext": False, "hasPrev": False,
    }  # fmt: skip
    second = history(world, bilal, amina, page=2, limit=4)
    assert [one["content"] for one in second["data"]] == ["b0", "a0"]
    assert second["pagination"]["hasPrev"] and not second["pagination"]["hasNext"]
    assert history(world, bilal, dara)["data"] == []
    for query, field in (("", "userId"), ("?userId=x", "userId"), (f"?userId={bilal.id}&page=0", "page"),
                         (f"?userId={bilal.id}&limit=101", "limit")):  # fmt: skip
        refused(ask(world, "GET", f"/messages{query}", amina), 400, "bad_request", field)


@pytest.mark.rule("starter:R15", "starter:D7")
def test_history_is_never_old(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    first = say(world, amina, bilal)
    assert history(world, bilal, amina)["pagination"]["total"] == 1
    second = say(world, amina, bilal)
    assert history(world, bilal, amina)["pagination"]["total"] == 2
    data(ask(world, "POST", "/messages/read", bilal, {"messageIds": [second["id"]]}))
    assert history(world, bilal, amina)["data"][0]["status"] == "read"
    data(ask(world, "DELETE", f"/messages/{first['id']}", amina))
    assert history(world, bilal, amina)["pagination"]["total"] == 1


@pytest.mark.rule("starter:R21")
@pytest.mark.rule("starter:D6")
def test_reading_changes_exactly_what_was_received(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    first, second, third = (say(world, amina, bilal, str(number)) for number in range(3))
    own, foreign = say(world, bilal, amina), say(world, amina, dara)
    ids = [second["id"], own["id"], foreign["id"], str(uuid.uuid4())]
    answer = ask(world, "POST", "/messages/read", bilal, {"messageIds": ids})
    assert answer.json() == {"success": True, "message": "Messages marked as read", "data": None}
    assert unread(world, bilal) == 2 and unread(world, dara) == 1
    for who, other in ((amina, bilal), (bilal, amina)):
        by_id = {one["id"]: one for one in history(world, who, other)["data"]}
        assert by_id[second["id"]]["status"] == "read"
        assert datetime.fromisoformat(by_id[second["id"]]["readAt"]) <= clock.now()
        for one in (first, third, own):
            assert by_id[one["id"]]["status"] != "read" and "readAt" not in by_id[one["id"]]
    before = {one["id"]: one.get("readAt") for one in history(world, amina, bilal)["data"]}
    data(ask(world, "POST", "/messages/read", bilal, {"messageIds": [first["id"], second["id"]]}))
    after = {one["id"]: one.get("readAt") for one in history(world, amina, bilal)["data"]}
    assert after[second["id"]] == before[second["id"]] and after[first["id"]]
    data(ask(world, "POST", "/messages/read", bilal, {"messageIds": [third["id"]]}))
    assert unread(world, bilal) == 0
    # The place of the reader has moved on: other doors show the same.
    listed = world.sql(
        """SELECT last_read_seq, last_seq FROM conversation_members m JOIN conversations c ON c.id = conversation_id
        WHERE user_id = $1""",
        bilal.id,
    )
    assert [row["last_read_seq"] for row in listed] == [listed[0]["last_seq"]]


@pytest.mark.rule("starter:R21")
@pytest.mark.rule("starter:D6")
def test_what_cannot_be_marked(world: World) -> None:
    amina = somebody(world)
    for ids in ([], ["x"], [str(uuid.uuid4()) for _ in range(101)], None):
        body = {} if ids is None else {"messageIds": ids}
        answer = ask(world, "POST", "/messages/read", amina, body)
        assert answer.status_code == 400 and "messageIds" in str(answer.json()["error"]["details"])


@pytest.mark.rule("starter:R22")
def test_conversations(world: World) -> None:
    amina, bilal, dara = somebody(world, "Amina"), somebody(world, "Bilal"), somebody(world, "Dara")
    say(world, bilal, amina, "one")
    say(world, bilal, amina, "two")
    say(world, amina, dara, "three")
    last = say(world, dara, amina, "four")
    data(ask(world, "DELETE", f"/messages/{last['id']}", dara))
    seen_by(world, bilal)
    answer = ask(world, "GET", "/messages/conversations", amina)
    assert answer.json()["message"] == "Conversations retrieved successfully"
    with_dara, with_bilal = sorted(
        data(answer), key=lambda one: str(one["lastMessage"]["content"]), reverse=False
    )
    if with_dara["userId"] != str(dara.id):
        with_dara, with_bilal = with_bilal, with_dara
    assert set(with_dara) == {"userId", "user", "lastMessage", "unreadCount", "isOnline"}
    assert (with_dara["lastMessage"]["content"], with_dara["unreadCount"], with_dara["isOnline"]) == (
        "three",
        0,
        False,
    )
    assert (with_bilal["lastMessage"]["content"], with_bilal["unreadCount"], with_bilal["isOnline"]) == (
        "two",
        2,
        True,
    )
    assert with_bilal["user"]["id"] == str(bilal.id)
    assert unread(world, amina) == 2


def test_conversations_cost_the_same_however_many(world: World) -> None:
    amina = somebody(world)
    say(world, somebody(world), amina)
    with counted(world) as one:
        data(ask(world, "GET", "/messages/conversations", amina))
    for _ in range(3):
        say(world, somebody(world), amina)
    with counted(world) as four:
        assert len(data(ask(world, "GET", "/messages/conversations", amina))) == 4
    assert len(one) == len(four)


@pytest.mark.rule("starter:R23")
def test_only_the_sender_deletes(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    sent = say(world, amina, bilal)
    refused(ask(world, "DELETE", f"/messages/{sent['id']}", bilal), 403, "forbidden")
    refused(ask(world, "DELETE", f"/messages/{sent['id']}", dara), 404, "not_found")
    answer = ask(world, "DELETE", f"/messages/{sent['id']}", amina)
    assert answer.json() == {"success": True, "message": "Message deleted successfully", "data": None}
    refused(ask(world, "DELETE", f"/messages/{sent['id']}", amina), 404, "not_found")
    assert history(world, bilal, amina)["data"] == []
    assert unread(world, bilal) == 0
    assert world.sql("SELECT deleted_at FROM messages WHERE id = $1", uuid.UUID(sent["id"]))[0]["deleted_at"]


@pytest.mark.rule("starter:R24")
def test_nothing_without_a_token(world: World) -> None:
    for method, path in (
        ("POST", "/messages"), ("GET", "/messages"), ("POST", "/messages/read"), ("GET", "/messages/conversations"),
        ("GET", "/messages/unread-count"), ("DELETE", f"/messages/{uuid.uuid4()}"),
    ):  # fmt: skip
        refused(ask(world, method, path), 401, "unauthorized")


def test_two_devices_mark_the_same(clone: World) -> None:
    """Each message is read once, whoever marks it, and told of once."""
    amina, bilal = somebody(clone), somebody(clone)
    ids = [say(clone, amina, bilal, str(number))["id"] for number in range(5)]
    told: list[bytes] = []
    clone.app.bus.subscribe(f"live:{amina.id}", told.append)

    async def both() -> None:
        await asyncio.gather(
            *(
                clone.http.post("/starter/api/v1/messages/read", json={"messageIds": ids}, headers=bilal.auth)
                for _ in range(4)
            )
        )
        await asyncio.sleep(0)

    clone.go(both())
    assert unread(clone, bilal) == 0
    assert sum(payload.count(b'"message_ids"') for payload in told) == 1


def test_presence(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)
    path = f"/users/{bilal.id}/presence"
    assert data(ask(world, "GET", path, amina)) == {
        "userId": str(bilal.id),
        "isOnline": False,
        "lastSeenAt": None,
    }
    seen_by(world, bilal)
    found = data(ask(world, "GET", path, amina))
    assert found["isOnline"] and datetime.fromisoformat(found["lastSeenAt"]) <= clock.now()
    refused(ask(world, "GET", f"/users/{uuid.uuid4()}/presence", amina), 404, "not_found")
    world.sql(
        "INSERT INTO user_blocks (blocker_id, blocked_id, created_at) VALUES ($1, $2, now())",
        bilal.id,
        amina.id,
    )
    refused(ask(world, "GET", path, amina), 404, "not_found")
