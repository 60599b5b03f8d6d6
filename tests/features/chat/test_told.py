"""Who hears of a message: in the list, on devices, by mail; and who does not, because they have read it."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.features.messages import service as messages
from majlis.features.messages import store
from majlis.features.messages.model import Waiting
from majlis.features.notifications import handlers
from majlis.kit import clock, facts, jobs
from majlis.kit.db import Query
from majlis.vendors import mail
from tests.features.chat.chatting import MESSAGES, listed, opened, say
from tests.features.notifications.test_told import told
from tests.features.posts.writing import block, write
from tests.features.push.phones import pushed, register
from tests.world import Person, World

SETTINGS = "/api/v1/settings/notifications"


def pair(world: World) -> tuple[Person, Person]:
    return world.person("Amina"), world.person("Karim")


def read(world: World, who: Person, message: dict[str, Any]) -> None:
    assert world.put(f"{MESSAGES}/{message['id']}/read", who).status_code == 200


def later(world: World, minutes: float) -> None:
    """Run what is due by then."""
    ahead = timedelta(minutes=minutes)
    with clock.shifted(ahead):
        world.go(jobs.drain(world.app, world.app.db, facts.registry, ahead=ahead))


def wants_mail(world: World, who: Person) -> None:
    body = {"category": "MESSAGES", "push_pref": True, "email_pref": True}
    assert world.put(SETTINGS, who, body).status_code == 200


@pytest.mark.rule("hamsaya:155", "hamsaya:157")
def test_the_recipient_is_told_and_their_phone_rings(world: World) -> None:
    amina, karim = pair(world)
    register(world, karim, "phone")
    conversation = opened(world, amina, karim)
    message = say(world, amina, conversation)
    (note,) = told(world, karim)
    assert (note["type"], note["title"], note["message"]) == (
        "MESSAGE", "New message", "Amina Test wrote to you.",
    )  # fmt: skip
    assert note["data"] == {
        "user_id": str(amina.id), "conversation_id": conversation["id"], "message_id": message["id"],
    }  # fmt: skip
    assert [one["push"]["body"] for one in pushed(world)] == ["Amina Test wrote to you."]
    assert told(world, amina) == []


def enquire(world: World, who: Person, goods: dict[str, Any], about: str | None = None) -> dict[str, Any]:
    """Hand a seller a post in a message."""
    body = {"recipient_id": goods["user_id"], "content": about or goods["id"], "message_type": "POST"}
    answer = world.post(MESSAGES, who, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.rule("hamsaya:157")
def test_who_is_handed_what_they_sell_is_asked_about_it(world: World) -> None:
    amina, karim = pair(world)
    leila = world.person("Leila")
    carpet = write(world, karim, "SELL")
    asked = enquire(world, amina, carpet)
    (note,) = told(world, karim)
    assert (note["type"], note["message"]) == ("SALE_ENQUIRY", "Amina Test asks about what you sell.")
    assert note["data"] == {
        "user_id": str(amina.id), "conversation_id": asked["conversation_id"], "message_id": asked["id"],
        "post_id": carpet["id"],
    }  # fmt: skip
    sales = world.get("/api/v1/notifications?category=SALES&grouped=true", karim).json()["data"]
    assert [one["message"] for one in sales] == ["Amina Test asks about what you sell."]
    other = enquire(world, leila, carpet)
    assert len(told(world, karim)) == 2
    read(world, karim, asked)
    assert [one["read"] for one in told(world, karim)] == [False, True], "only of what was read"
    world.delete(f"{MESSAGES}/{other['id']}", leila)
    assert [one["data"]["message_id"] for one in told(world, karim)] == [asked["id"]]


def test_another_post_in_a_message_is_no_enquiry(world: World) -> None:
    amina, karim = pair(world)
    own, feed = write(world, amina, "SELL"), write(world, karim)
    carpet = write(world, karim, "SELL")
    for about in (own["id"], feed["id"], "no id at all", "0" * 36):
        enquire(world, amina, carpet, about)
    world.post(MESSAGES, amina, {"recipient_id": str(karim.id), "content": carpet["id"]})
    assert {note["type"] for note in told(world, karim)} == {"MESSAGE"}
    world.delete(f"/api/v1/posts/{carpet['id']}", karim)
    enquire(world, amina, carpet)
    assert {note["type"] for note in told(world, karim)} == {"MESSAGE"}


@pytest.mark.rule("hamsaya:157")
def test_the_setting_of_messages_silences_the_phone_only(world: World) -> None:
    amina, karim = pair(world)
    register(world, karim, "phone")
    assert world.put(SETTINGS, karim, {"category": "MESSAGES", "push_pref": False}).status_code == 200
    say(world, amina, opened(world, amina, karim))
    assert len(told(world, karim)) == 1
    assert pushed(world) == []


def test_what_is_read_before_the_job_runs_is_not_told(world: World) -> None:
    amina, karim = pair(world)
    register(world, karim, "phone")
    conversation = opened(world, amina, karim)
    read(world, karim, say(world, amina, conversation))
    assert (told(world, karim), pushed(world)) == ([], [])


def test_what_is_taken_back_is_not_told(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    message = say(world, amina, conversation)
    say(world, amina, conversation)
    assert len(told(world, karim)) == 2
    world.delete(f"{MESSAGES}/{message['id']}", amina)
    assert len(told(world, karim)) == 1
    gone = say(world, amina, conversation)
    world.delete(f"{MESSAGES}/{gone['id']}", amina)
    assert len(told(world, karim)) == 1


def test_reading_marks_what_was_told_as_read(world: World) -> None:
    amina, karim = pair(world)
    leila = world.person("Leila")
    conversation = opened(world, amina, karim)
    first = say(world, amina, conversation)
    say(world, amina, conversation)
    say(world, leila, opened(world, leila, karim))
    told(world, karim)
    read(world, karim, first)
    assert [note["read"] for note in told(world, karim)] == [False, False, True]


def test_who_has_a_device_in_use_gets_some_time_to_read(world: World) -> None:
    amina, karim = pair(world)
    register(world, karim, "phone")
    conversation = opened(world, amina, karim)
    world.go(messages.mark_active(world.app, karim.me))
    message = say(world, amina, conversation)
    assert (told(world, karim), pushed(world)) == ([], [])
    read(world, karim, message)
    later(world, 0.5)
    assert (told(world, karim), pushed(world)) == ([], [])
    say(world, amina, conversation)
    assert told(world, karim) == []
    later(world, 0.5)
    assert (len(told(world, karim)), len(pushed(world))) == (1, 1)
    world.go(messages.mark_active(world.app, karim.me, False))
    say(world, amina, conversation)
    assert len(told(world, karim)) == 2


def test_a_message_stores_a_job_for_who_hears_of_it_and_one_for_mails(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    world.drain()
    say(world, amina, conversation)
    assert [
        row["entrypoint"] for row in world.sql("SELECT entrypoint FROM pgqueuer ORDER BY entrypoint")
    ] == [
        "digests.handlers.await_reading:MessageSent",
        "notifications.handlers.tell_of_message:MessageSent",
    ]


WAITING = "SELECT entrypoint FROM pgqueuer WHERE entrypoint LIKE '%tell_of_unread' AND status = 'queued'"


def test_one_look_tells_of_all_that_came_meanwhile(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    world.go(messages.mark_active(world.app, karim.me))
    register(world, karim, "phone")
    said = [say(world, amina, conversation)["id"] for _ in range(3)]
    world.drain()
    assert len(world.sql(WAITING)) == 1
    later(world, 0.5)
    assert [note["data"]["message_id"] for note in told(world, karim)] == said[::-1]
    assert world.sql(WAITING) == []
    assert [one["push"]["data"]["message_id"] for one in pushed(world)] == said[-1:], "and rings once"


def test_who_reads_some_gets_time_for_what_came_since(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    world.go(messages.mark_active(world.app, karim.me))
    first = say(world, amina, conversation)
    world.drain()
    second = say(world, amina, conversation)
    read(world, karim, first)
    world.drain()
    world.sql("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint LIKE '%tell_of_unread'")
    assert told(world, karim) == [], "it is about the second one now"
    assert len(world.sql(WAITING)) == 1
    later(world, 0.5)
    (note,) = told(world, karim)
    assert note["data"]["message_id"] == second["id"]


def test_a_long_conversation_is_told_part_by_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    world.go(messages.mark_active(world.app, karim.me))
    monkeypatch.setattr(handlers, "MOST_WAITING", 2)
    few = Query(Waiting, store.UNREAD_FROM.sql.replace("LIMIT 200", "LIMIT 2"))
    monkeypatch.setattr(store, "UNREAD_FROM", few)
    said = [say(world, amina, conversation)["id"] for _ in range(5)]
    world.drain()
    later(world, 0.5)
    assert {note["data"]["message_id"] for note in told(world, karim)} == set(said)


def test_nobody_is_told_across_a_block(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    say(world, amina, conversation)
    block(world, karim, amina)
    assert told(world, karim) == []


def letters(world: World) -> list[mail.Letter]:
    return [letter for letter in world.mails() if letter.subject == "Somebody wrote to you"]


def test_a_mail_comes_of_what_is_unread_after_a_while(world: World) -> None:
    amina, karim = pair(world)
    wants_mail(world, karim)
    leila = world.person("Leila")
    conversation = opened(world, amina, karim)
    say(world, amina, conversation)
    say(world, amina, conversation)
    say(world, leila, opened(world, leila, karim))
    world.drain()
    assert letters(world) == []
    later(world, 11)
    (letter,) = letters(world)
    assert letter.to == karim.email
    assert "3 unread messages in 2 conversations" in letter.text
    assert "Amina" not in letter.text
    later(world, 30)
    assert len(letters(world)) == 1, "once for each message"


def test_no_mail_of_what_was_read_nor_to_who_wants_none(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    say(world, amina, conversation)
    later(world, 11)
    wants_mail(world, karim)
    message = say(world, amina, conversation)
    world.drain()
    read(world, karim, message)
    later(world, 11)
    gone = say(world, amina, conversation)
    world.drain()
    world.delete(f"{MESSAGES}/{gone['id']}", amina)
    later(world, 11)
    assert letters(world) == []
    assert listed(world, karim)[0]["unread_count"] == 0
