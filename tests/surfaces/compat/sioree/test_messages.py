"""Messages at the Sioree door."""

from typing import Any

import pytest

from majlis.features.media.service import object_of
from tests.surfaces.compat.sioree.guests import Guest, entered, night, picture, queries, sign_up
from tests.world import World

ALL = "/api/messages"
MESSAGE = {"id", "conversationId", "senderId", "receiverId", "text", "timestamp", "isRead", "messageType"}
CONVERSATION = {
    "id", "participantId", "participantName", "participantAvatar", "lastMessage", "lastMessageTime", "unreadCount",
    "isActive",
}  # fmt: skip


def say(sender: Guest, receiver: Guest, text: str = "See you at nine?", **more: Any) -> dict[str, Any]:
    return dict(sender.post(ALL, {"receiverId": str(receiver.id), "text": text, **more}))


def conversations(who: Guest, **params: Any) -> dict[str, Any]:
    return dict(who.get(ALL + "/conversations", **params))


@pytest.mark.rule("sioree:R9", "sioree:R11", "sioree:D3")
def test_a_pair_has_one_conversation_from_either_side(world: World) -> None:
    amina, omid = sign_up(world, "Amina K"), sign_up(world, "Omid R")
    first = say(amina, omid)
    assert set(first) == MESSAGE
    assert (first["senderId"], first["receiverId"]) == (str(amina.id), str(omid.id))
    assert (first["text"], first["isRead"], first["messageType"]) == ("See you at nine?", False, "text")
    second = say(omid, amina, "Yes", conversationId=first["conversationId"])
    third = say(omid, amina, "Gladly")
    assert first["conversationId"] == second["conversationId"] == third["conversationId"]
    (one,) = conversations(omid)["conversations"]
    assert set(one) == CONVERSATION
    assert (one["participantId"], one["participantName"], one["participantAvatar"]) == (
        str(amina.id),
        "Amina K",
        None,
    )
    assert (one["lastMessage"], one["lastMessageTime"], one["isActive"]) == (
        "Gladly",
        third["timestamp"],
        True,
    )


@pytest.mark.rule("sioree:R12")
def test_a_conversation_is_opened_before_any_message(world: World) -> None:
    amina, omid = sign_up(world), sign_up(world, "Omid R")
    opened = amina.post(ALL + "/conversation", {"userId": str(omid.id)})
    assert (opened["lastMessage"], opened["unreadCount"]) == ("", 0)
    assert (opened["participantId"], opened["participantName"]) == (str(omid.id), "Omid R")
    assert omid.post(ALL + "/conversation", {"userId": str(amina.id)})["id"] == opened["id"]
    assert say(amina, omid)["conversationId"] == opened["id"]


@pytest.mark.rule("sioree:R13", "sioree:D4")
def test_unread_counters_and_read_marks_move_together(world: World) -> None:
    amina, omid = sign_up(world), sign_up(world)
    at = [say(amina, omid, text)["conversationId"] for text in ("one", "two")][-1]

    def unread(who: Guest) -> int:
        return int(conversations(who)["conversations"][0]["unreadCount"])

    def read(who: Guest) -> list[tuple[str, bool]]:
        return [(one["text"], one["isRead"]) for one in who.get(f"{ALL}/{at}")["messages"]]

    assert (unread(amina), unread(omid)) == (0, 2)
    assert read(amina) == read(omid) == [("two", False), ("one", False)], "the newest first"
    assert omid.post(f"{ALL}/{at}/read") == {"success": True}
    assert omid.post(f"{ALL}/{at}/read") == {"success": True}
    assert (unread(amina), unread(omid)) == (0, 0)
    assert read(amina) == [("two", True), ("one", True)]
    say(omid, amina, "three")
    assert (unread(amina), unread(omid)) == (1, 0)
    assert read(omid)[0] == ("three", False)


@pytest.mark.rule("sioree:R10")
def test_lists_come_in_pages(world: World) -> None:
    amina, others = sign_up(world), [sign_up(world, f"Guest {n}") for n in range(3)]
    at = [say(other, amina)["conversationId"] for other in others][-1]
    page = conversations(amina, limit=2)
    assert (page["total"], page["page"], page["limit"], len(page["conversations"])) == (3, 1, 2, 2)
    names = [one["participantName"] for one in page["conversations"]]
    assert names == ["Guest 2", "Guest 1"], "the latest first"
    assert [one["participantName"] for one in conversations(amina, limit=2, page=2)["conversations"]] == [
        "Guest 0"
    ]
    assert conversations(amina)["limit"] == 20
    for n in range(50):
        say(amina, others[2], str(n))
    whole = amina.get(f"{ALL}/{at}")
    assert (len(whole["messages"]), whole["hasMore"]) == (50, True)
    rest = amina.get(f"{ALL}/{at}", page=2)
    assert (len(rest["messages"]), rest["hasMore"]) == (1, False)
    amina.refused(400, "validation_failed", "GET", f"{ALL}/{at}", params={"limit": 101})


@pytest.mark.rule("sioree:R10")
def test_lists_take_the_same_number_of_queries(world: World) -> None:
    amina = sign_up(world)
    say(sign_up(world), amina)
    few = queries(world, lambda: conversations(amina))
    last = sign_up(world)
    at = [say(other, amina)["conversationId"] for other in (sign_up(world), sign_up(world), last)][-1]
    assert queries(world, lambda: conversations(amina)) == few
    few = queries(world, lambda: amina.get(f"{ALL}/{at}"))
    say(last, amina)
    assert queries(world, lambda: amina.get(f"{ALL}/{at}")) == few


@pytest.mark.rule("sioree:D3")
def test_only_the_two_read_and_write(world: World) -> None:
    amina, omid, sara = sign_up(world), sign_up(world), sign_up(world)
    at = say(amina, omid)["conversationId"]
    sara.refused(404, "conversation_not_found", "GET", f"{ALL}/{at}")
    sara.refused(404, "conversation_not_found", "POST", f"{ALL}/{at}/read")
    body = {"conversationId": at, "receiverId": str(omid.id), "text": "hi"}
    sara.refused(404, "conversation_not_found", "POST", ALL, body)
    body["receiverId"] = str(sara.id)
    amina.refused(404, "conversation_not_found", "POST", ALL, body)
    amina.refused(400, "cannot_message_self", "POST", ALL, {"receiverId": str(amina.id), "text": "me"})
    amina.refused(400, "cannot_message_self", "POST", ALL + "/conversation", {"userId": str(amina.id)})
    nobody = "00000000-0000-7000-8000-000000000000"
    amina.refused(404, "receiver_not_found", "POST", ALL, {"receiverId": nobody, "text": "hi"})
    amina.refused(404, "user_not_found", "POST", ALL + "/conversation", {"userId": nobody})


@pytest.mark.rule("sioree:D5")
@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""}, {"text": "  "}, {"text": "a" * 5001}, {"text": None}, {"messageType": "video"},
        {"messageType": "image", "text": "https://elsewhere.example/a.png"},
        {"messageType": "event_invite", "text": "tomorrow"},
        {"messageType": "event_invite", "text": "00000000-0000-7000-8000-000000000000"},
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(world: World, fields: dict[str, Any]) -> None:
    amina, omid = sign_up(world), sign_up(world)
    body = {"receiverId": str(omid.id), "text": "hi", **fields}
    amina.refused(400, "validation_failed", "POST", ALL, body)
    assert conversations(omid)["total"] in (0, 1) and not world.sql("SELECT FROM messages")


@pytest.mark.rule("sioree:R11", "sioree:D5")
def test_pictures_and_invitations_are_sent(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    assert say(host, guest, "a" * 5000)["text"] == "a" * 5000
    url = picture(host)["url"]
    image = say(host, guest, url, messageType="image")
    assert (object_of(image["text"]), image["messageType"]) == (object_of(url), "image")
    event = night(host)["id"]
    invite = say(host, guest, event, messageType="event_invite")
    assert (invite["text"], invite["messageType"]) == (event, "event_invite")
    seen = guest.get(f"{ALL}/{invite['conversationId']}")["messages"]
    assert (seen[0]["messageType"], seen[0]["text"]) == ("event_invite", event)
    assert (seen[1]["messageType"], object_of(seen[1]["text"])) == ("image", object_of(url))
    assert guest.post(f"/api/events/{event}/attend", {})["status"] == "going", "RSVP"
    foreign = picture(guest)["url"]
    host.refused(
        400,
        "validation_failed",
        "POST",
        ALL,
        {"receiverId": str(guest.id), "text": foreign, "messageType": "image"},
    )


@pytest.mark.rule("sioree:R9")
def test_the_conversation_is_the_same_at_other_doors(world: World) -> None:
    amina, omid = world.person("Amina"), sign_up(world)
    body = {"recipient_id": str(omid.id), "content": "salaam"}
    sent = world.post("/api/v1/chat/messages", amina, body).json()
    (one,) = conversations(omid)["conversations"]
    assert (one["id"], one["lastMessage"], one["unreadCount"]) == (sent["conversation_id"], "salaam", 1)
    assert say(omid, entered(world, amina), "salaam back")["conversationId"] == sent["conversation_id"]
    world.post(f"/api/v1/users/{omid.id}/block", amina)
    assert conversations(omid)["total"] == 0
