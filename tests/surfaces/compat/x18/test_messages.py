"""Direct messages at the x18 door, and how one is told besides."""

from typing import Any
from uuid import uuid4

import pytest

from tests.features.push.phones import pushed
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import Writer, block, writer
from tests.world import World

ALL = "/api/conversations"


def opened(world: World, one: Writer, other: Writer, status: int = 201) -> Any:
    answer = ask(world, "POST", ALL, one, json={"user_id": other.id})
    assert answer.status_code == status, answer.text
    return answer.json()


def say(world: World, who: Writer, conversation: str, content: str, **more: Any) -> Any:
    answer = ask(world, "POST", f"{ALL}/{conversation}/messages", who, json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(world: World, who: Writer, path: str = ALL) -> Any:
    answer = ask(world, "GET", path, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("x18:R44")
def test_two_people_write_to_one_another(world: World) -> None:
    """Direct messages are one of the extensions of the rule; groups and stories are no part of what is served of it."""
    amina, bilal = writer(world, "Amina"), writer(world, "Bilal")
    talk = opened(world, amina, bilal)
    assert set(talk) == {"id", "user", "last_message", "unread_count", "created_at"}
    assert (talk["last_message"], talk["unread_count"]) == (None, 0)
    assert talk["user"] == ask(world, "GET", f"/api/users/{bilal.id}", amina).json()
    assert opened(world, bilal, amina, 200)["id"] == talk["id"]
    first, second = say(world, amina, talk["id"], "salaam"), say(world, amina, talk["id"], "are you there?")
    assert set(first) == {
        "id",
        "conversation_id",
        "sender_id",
        "type",
        "content",
        "read_at",
        "created_at",
    }
    assert (first["sender_id"], first["content"], first["read_at"]) == (amina.id, "salaam", None)
    page = listed(world, bilal)
    assert set(page) == {"conversations", "limit", "offset", "has_more"}
    (line,) = page["conversations"]
    assert (line["user"]["id"], line["last_message"], line["unread_count"]) == (amina.id, second, 2)
    assert listed(world, bilal, ALL + "/unread-count") == {"unread_count": 2}
    read = ask(world, "PATCH", f"/api/messages/{second['id']}/read", bilal).json()
    assert read["read_at"] is not None
    assert listed(world, bilal, ALL + "/unread-count") == {"unread_count": 0}
    said = listed(world, amina, f"{ALL}/{talk['id']}/messages")
    assert [one["content"] for one in said["messages"]] == ["are you there?", "salaam"]
    assert all(one["read_at"] for one in said["messages"])
    part = listed(world, amina, f"{ALL}/{talk['id']}/messages?limit=1&offset=1")
    assert ([one["content"] for one in part["messages"]], part["has_more"]) == (["salaam"], False)
    assert ask(world, "DELETE", f"/api/messages/{second['id']}", amina).status_code == 204
    assert listed(world, bilal, f"{ALL}/{talk['id']}")["last_message"]["id"] == first["id"]


def test_it_is_the_conversation_of_the_other_doors(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    talk = opened(world, amina, bilal)
    say(world, amina, talk["id"], "salaam")
    native = world.get(f"/api/v1/chat/conversations/{talk['id']}/messages", bilal.person).json()["data"]
    assert [one["content"] for one in native] == ["salaam"]
    body = {"conversation_id": talk["id"], "content": "alaykum"}
    sent = world.post("/api/v1/chat/messages", bilal.person, body).json()
    assert listed(world, amina, f"{ALL}/{talk['id']}/messages")["messages"][0]["id"] == sent["id"]


def test_sent_again_it_is_said_once(world: World) -> None:
    amina, bilal = writer(world), writer(world)
    talk = opened(world, amina, bilal)["id"]
    once = say(world, amina, talk, "salaam", client_id="k1")
    assert say(world, amina, talk, "salaam", client_id="k1") == once
    answer = ask(world, "POST", f"{ALL}/{talk}/messages", amina, json={"content": "b", "client_id": "k1"})
    refused(answer, 409, "client_msg_id_reused")
    assert len(listed(world, bilal, f"{ALL}/{talk}/messages")["messages"]) == 1


def test_what_is_refused(world: World) -> None:
    amina, bilal, dara = writer(world), writer(world), writer(world)
    talk = opened(world, amina, bilal)["id"]
    message = say(world, amina, talk, "salaam")["id"]
    refused(ask(world, "POST", ALL, amina, json={"user_id": amina.id}), 400, "cannot_message_self", "user_id")
    refused(ask(world, "POST", ALL, amina, json={"user_id": str(uuid4())}), 404, "not_found")
    for path in (f"{ALL}/{talk}", f"{ALL}/{talk}/messages", f"{ALL}/{uuid4()}"):
        refused(ask(world, "GET", path, dara), 404, "conversation_not_found")
    refused(
        ask(world, "POST", f"{ALL}/{talk}/messages", dara, json={"content": "x"}),
        404,
        "conversation_not_found",
    )
    for text in ("", "  \n", "x" * 5001):
        answer = ask(world, "POST", f"{ALL}/{talk}/messages", amina, json={"content": text})
        refused(answer, 400, "validation_failed", "content")
    refused(ask(world, "PATCH", f"/api/messages/{message}/read", dara), 404, "message_not_found")
    assert ask(world, "PATCH", f"/api/messages/{message}/read", amina).status_code == 403
    refused(ask(world, "DELETE", f"/api/messages/{message}", dara), 404, "message_not_found")
    assert ask(world, "DELETE", f"/api/messages/{message}", bilal).status_code == 403
    block(world, bilal, amina)
    assert ask(world, "POST", f"{ALL}/{talk}/messages", amina, json={"content": "x"}).status_code in (
        403,
        404,
    )
    assert listed(world, amina)["conversations"] == []
    refused(ask(world, "POST", ALL, amina, json={"user_id": bilal.id}), 404, "not_found")


def test_a_page_of_conversations_takes_the_same_queries(world: World) -> None:
    amina = writer(world)
    numbers = []
    for many in (1, 4):
        for _ in range(many):
            say(world, amina, opened(world, amina, writer(world))["id"], "salaam")
        with counted(world) as seen:
            listed(world, amina)
        numbers.append(len(seen))
    assert numbers[0] == numbers[1]


@pytest.mark.rule("x18:R44")
def test_devices_and_channels_are_set_up_here(world: World) -> None:
    """Pushes and mail of notifications, with a token of this door. Groups and stories are no part of it."""
    amina, bilal = writer(world), writer(world)
    made = ask(world, "PUT", "/api/devices", amina, json={"token": "fcm-1", "name": "phone"})
    assert made.status_code == 200, made.text
    assert [one["id"] for one in listed(world, amina, "/api/devices")["data"]] == [made.json()["id"]]
    refused(ask(world, "DELETE", f"/api/devices/{made.json()['id']}", bilal), 404, "device_not_found")
    assert ask(world, "DELETE", f"/api/devices/{made.json()['id']}", amina).status_code == 204
    ask(world, "PUT", "/api/devices", amina, json={"token": "fcm-1"})
    assert ask(world, "DELETE", "/api/devices", amina, json={"token": "fcm-1"}).status_code == 204
    assert listed(world, amina, "/api/devices") == {"data": []}
    assert set(listed(world, amina, "/api/devices/webpush-key")) == {"public_key"}
    body = {"category": "POSTS", "push_pref": False, "email_pref": True}
    answer = ask(world, "PUT", "/api/notifications/settings", amina, json=body)
    assert answer.status_code == 200, answer.text
    found = {one["category"]: one for one in listed(world, amina, "/api/notifications/settings")["data"]}
    assert (found["POSTS"]["push_pref"], found["POSTS"]["email_pref"]) == (False, True)
    assert world.get("/api/v1/settings/notifications", amina.person).json()["data"] == list(found.values())


@pytest.mark.rule("x18:R44")
def test_a_device_of_this_door_gets_pushes_until_its_session_ends(world: World) -> None:
    """Groups and stories are no part of it."""
    amina, bilal, dara = writer(world), writer(world), writer(world)
    ask(world, "PUT", "/api/devices", amina, json={"token": "fcm-1"})
    assert ask(world, "POST", f"/api/users/{amina.id}/follow", bilal).status_code == 200
    world.drain()
    assert [told["to"]["token"] for told in pushed(world)] == ["fcm-1"]
    assert ask(world, "POST", "/api/auth/logout", amina, json={}).status_code == 204
    world.drain()
    assert ask(world, "POST", f"/api/users/{amina.id}/follow", dara).status_code == 200
    world.drain()
    assert [told["to"]["token"] for told in pushed(world)] == ["fcm-1"]
