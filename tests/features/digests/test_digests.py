"""Mails of what people have not read: to whom, what they say, how they end."""

import asyncio
import email
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from majlis.features.digests import handlers, service
from majlis.features.digests.model import Due
from majlis.kit import clock, facts, jobs
from majlis.vendors import mail
from tests.features.graph.test_people import suspend
from tests.features.posts.writing import write
from tests.world import Person, World

SETTINGS = "/api/v1/settings/notifications"
UNSUBSCRIBE = "/api/v1/notifications/unsubscribe"
NOON = datetime(2031, 3, 19, 12, 0, tzinfo=UTC)  # a Wednesday


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """The clock stands at this moment."""
    with clock.frozen(moment):
        yield


def wants(world: World, who: Person, *categories: str) -> None:
    changes = [{"category": name, "push_pref": True, "email_pref": True} for name in categories or ["POSTS"]]
    assert world.put(SETTINGS, who, {"settings": changes}).status_code == 200


def follow(world: World, who: Person, whom: Person, moment: datetime = NOON) -> None:
    """One follows another, who is told of it at this moment."""
    assert world.post(f"/api/v1/users/{whom.id}/follow", who).status_code == 200
    with at(moment):
        world.drain()


def digests(world: World, moment: datetime) -> list[mail.Letter]:
    """What is mailed when the schedule runs at this moment."""
    before = {letter.id for letter in world.mails()}
    with at(moment):
        world.go(handlers.start(world.app))
        world.drain()
    return [letter for letter in world.mails() if letter.id not in before]


def raw(world: World, letter: mail.Letter) -> tuple[bytes, EmailMessage]:
    data = (mail.mail_folder(world.app.settings) / f"{letter.id}.eml").read_bytes()
    found = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return data, found


def link(text: str) -> str:
    """The path of the link that ends these mails."""
    found = re.search(r"http://\S+(/api/v1/notifications/unsubscribe\?token=[A-Za-z0-9_-]+)", text)
    assert found is not None, text
    return found[1]


# ---- what they say


def test_a_digest_counts_what_is_unread_and_names_nobody(world: World) -> None:
    amina, karim, laila = world.person("Amina"), world.person("Karim"), world.person("Laila")
    wants(world, amina)
    for who in (karim, laila):
        follow(world, who, amina)
    world.post(f"/api/v1/posts/{write(world, amina)['id']}/like", karim)
    with at(NOON + timedelta(minutes=5)):
        world.drain()
    (letter,) = digests(world, NOON + timedelta(days=1))
    assert (letter.to, letter.subject) == (amina.email, "What you have not read")
    assert [line for line in letter.text.splitlines() if line.startswith("- ")] == [
        "- New like: 1",
        "- New follower: 2",
    ]
    data, _ = raw(world, letter)
    assert b"Karim" not in data and b"Laila" not in data


def test_only_what_is_still_unread_and_was_not_in_an_earlier_one(world: World) -> None:
    amina, people = world.person(), [world.person() for _ in range(4)]
    wants(world, amina)
    follow(world, people[0], amina)
    follow(world, people[1], amina)
    (first, _) = world.get("/api/v1/notifications", amina).json()["data"]
    world.put(f"/api/v1/notifications/{first['id']}/read", amina)
    (letter,) = digests(world, NOON + timedelta(days=1))
    assert "New follower: 1" in letter.text
    assert digests(world, NOON + timedelta(days=1, hours=1)) == []
    assert digests(world, NOON + timedelta(days=2)) == [], "the other is unread still, but was told of"
    follow(world, people[2], amina, NOON + timedelta(days=2))
    (letter,) = digests(world, NOON + timedelta(days=3))
    assert "New follower: 1" in letter.text
    follow(world, people[3], amina, NOON + timedelta(days=3))
    world.put("/api/v1/notifications/read-all", amina)
    assert digests(world, NOON + timedelta(days=4)) == []


def test_only_of_the_categories_that_are_wanted(world: World) -> None:
    amina, karim = world.person(), world.person()
    wants(world, amina, "EVENTS")
    follow(world, karim, amina)
    assert digests(world, NOON + timedelta(days=1)) == []
    wants(world, amina, "POSTS")
    follow(world, world.person(), amina, NOON + timedelta(days=1))
    assert len(digests(world, NOON + timedelta(days=2))) == 1


def test_what_is_not_in_the_app_is_in_the_mail(world: World) -> None:
    amina = world.person()
    world.put(
        SETTINGS, amina, {"category": "POSTS", "push_pref": False, "in_app_pref": False, "email_pref": True}
    )
    follow(world, world.person(), amina)
    assert world.get("/api/v1/notifications", amina).json()["data"] == []
    assert "New follower: 1" in digests(world, NOON + timedelta(days=1))[0].text


def test_hidden_people_do_not_count(world: World) -> None:
    amina, karim, laila, malik = (world.person() for _ in range(4))
    wants(world, amina)
    for who in (karim, laila, malik):
        follow(world, who, amina)
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    world.post(f"/api/v1/users/{laila.id}/mute", amina)
    (letter,) = digests(world, NOON + timedelta(days=1))
    assert "New follower: 1" in letter.text
    follow(world, world.person(), amina, NOON + timedelta(days=1))
    world.sql("UPDATE profiles SET suspended = true WHERE id <> $1 RETURNING 1", amina.id)
    assert digests(world, NOON + timedelta(days=2)) == []


def test_what_is_very_new_waits_for_the_next(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    moment = NOON + timedelta(days=1)
    follow(world, world.person(), amina, moment - timedelta(seconds=20))
    assert digests(world, moment) == []
    assert len(digests(world, moment + timedelta(days=1))) == 1


# ---- to whom


def test_nobody_gets_mail_unasked(world: World) -> None:
    amina = world.person()
    follow(world, world.person(), amina)
    assert digests(world, NOON + timedelta(days=1)) == []


def test_only_confirmed_addresses_of_open_accounts_get_mail(world: World) -> None:
    unconfirmed, suspended, deleted = world.person(verified=False), world.person(), world.person()
    for who in (unconfirmed, suspended, deleted):
        wants(world, who)
        follow(world, world.person(), who)
    suspend(world, suspended)
    assert world.delete("/api/v1/users/me/account?reason=bye", deleted).status_code == 204
    world.drain()
    assert digests(world, NOON + timedelta(days=1)) == []
    for who in (unconfirmed, suspended, deleted):  # what changed between the schedule and the job
        world.go(handlers.send(world.app, Due(who.id, NOON)))
    assert not [letter for letter in world.mails() if letter.subject == "What you have not read"]


def test_many_readers_are_found_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [world.person() for _ in range(5)]
    for who in people:
        wants(world, who, "POSTS", "SALES")
        follow(world, world.person(), who)
    store = service.store
    monkeypatch.setattr(store.DUE, "sql", store.DUE.sql.replace("LIMIT 500", "LIMIT 2"))
    found = digests(world, NOON + timedelta(days=1))
    assert sorted(letter.to for letter in found) == sorted(who.email for who in people)


# ---- when


@pytest.mark.parametrize(
    "period, hour, now, due",
    [
        ("daily", 6, "2031-03-19T12:11", "2031-03-19T06:00"),
        ("daily", 6, "2031-03-19T06:00", "2031-03-19T06:00"),
        ("daily", 6, "2031-03-19T05:11", "2031-03-18T06:00"),
        ("daily", 0, "2031-03-01T00:11", "2031-03-01T00:00"),
        ("weekly", 6, "2031-03-19T12:11", "2031-03-17T06:00"),
        ("weekly", 6, "2031-03-17T05:11", "2031-03-10T06:00"),
        ("weekly", 6, "2031-03-17T06:11", "2031-03-17T06:00"),
        ("weekly", 23, "2031-03-23T23:11", "2031-03-17T23:00"),
    ],
)
def test_when_digests_are_due(period: str, hour: int, now: str, due: str) -> None:
    moment, wanted = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, due))
    assert service.due_at(period, hour, moment) == wanted


@pytest.mark.settings(digest="weekly")
def test_weekly_digests_come_once_a_week(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    sent = []
    for day in range(14):
        moment = NOON + timedelta(days=day)
        follow(world, world.person(), amina, moment - timedelta(hours=1))
        sent += [moment.weekday()] if digests(world, moment) else []
    assert sent == [2, 0, 0], "at once for the first, and then on Mondays"


@pytest.mark.settings(digest="off")
def test_digests_can_be_switched_off(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    follow(world, world.person(), amina)
    assert digests(world, NOON + timedelta(days=1)) == []


def test_a_schedule_that_runs_twice_mails_once(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    follow(world, world.person(), amina)
    with at(NOON + timedelta(days=1)):
        for _ in range(3):
            world.go(handlers.start(world.app))
        assert world.go(jobs.drain(world.app, world.app.db, facts.registry)) == 1
        world.go(handlers.send(world.app, Due(amina.id, NOON + timedelta(days=1))))
    assert len([one for one in world.mails() if one.to == amina.email]) == 1


class Refusing:
    """A mailer that takes nothing, for now or for good."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def send(self, letter: mail.Mail) -> None:
        raise self.error

    async def aclose(self) -> None:
        return


def test_a_mail_that_cannot_leave_now_is_sent_later(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    follow(world, world.person(), amina)
    works, world.app.mailer = world.app.mailer, Refusing(mail.MailUnavailable())
    due = Due(amina.id, NOON + timedelta(days=1))
    with at(NOON + timedelta(days=1)):
        with pytest.raises(mail.MailUnavailable):  # the worker tries again
            world.go(handlers.send(world.app, due))
        world.app.mailer = works
        world.go(handlers.send(world.app, due))
    assert [one.subject for one in world.mails()] == ["What you have not read"]


def test_a_mail_that_nobody_takes_is_not_tried_again(world: World) -> None:
    amina = world.person()
    wants(world, amina)
    follow(world, world.person(), amina)
    works, world.app.mailer = world.app.mailer, Refusing(mail.MailRejected())
    assert digests(world, NOON + timedelta(days=1)) == []
    world.app.mailer = works
    assert digests(world, NOON + timedelta(days=1, hours=1)) == []


# ---- the end


def mailed(world: World) -> tuple[Person, str, mail.Letter]:
    """Somebody with a digest, and the path of its link."""
    amina = world.person()
    wants(world, amina, "POSTS", "EVENTS")
    follow(world, world.person(), amina)
    (letter,) = digests(world, NOON + timedelta(days=1))
    return amina, link(letter.text), letter


def mails_on(world: World, who: Person) -> list[str]:
    return [one["category"] for one in world.get(SETTINGS, who).json()["data"] if one["email_pref"]]


def test_mail_programs_find_the_link_in_the_header(world: World) -> None:
    amina, path, letter = mailed(world)
    data, message = raw(world, letter)
    address = world.app.settings.base_url() + path
    assert f"\nList-Unsubscribe: <{address}>\r\n".encode() in data, "one line, as it is"
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    body = message.get_body(("html",))
    assert body is not None and address in body.get_content()
    answer = world.post(path, None, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, mails_on(world, amina)) == (200, [])


def test_one_click_ends_these_mails_and_nothing_else(world: World) -> None:
    amina, path, _ = mailed(world)
    karim = world.person()
    wants(world, karim)
    for _ in range(2):
        assert world.post(path).status_code == 200
    assert (mails_on(world, amina), mails_on(world, karim)) == ([], ["POSTS"])
    assert all(one["push_pref"] and one["in_app_pref"] for one in world.get(SETTINGS, amina).json()["data"])
    follow(world, world.person(), amina, NOON + timedelta(days=1))
    assert digests(world, NOON + timedelta(days=2)) == []
    wants(world, amina)
    assert len(digests(world, NOON + timedelta(days=2))) == 1, "until they are wanted again"


def test_looking_at_the_link_ends_nothing(world: World) -> None:
    """Scanners open the links of mails."""
    amina, path, _ = mailed(world)
    answer = world.get(path)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert '<form method="post">' in answer.text and "token" not in answer.text
    policy_of_page = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy_of_page and "form-action 'self'" in policy_of_page
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert mails_on(world, amina) == ["POSTS", "EVENTS"]


def test_older_links_go_on_for_a_year(world: World) -> None:
    amina, path, _ = mailed(world)
    follow(world, world.person(), amina, NOON + timedelta(days=1))
    (second,) = digests(world, NOON + timedelta(days=2))
    assert link(second.text) != path
    with at(NOON + timedelta(days=360)):
        world.go(handlers.purge(world.app))
    assert world.post(path).status_code == 200
    with at(NOON + timedelta(days=400)):
        world.go(handlers.purge(world.app))
    assert world.post(path).status_code == 404


def test_tokens_are_kept_as_digests_only(world: World) -> None:
    _, path, _ = mailed(world)
    token = path.partition("token=")[2]
    (row,) = world.sql("SELECT token FROM notification_unsubscribes")
    assert len(row["token"]) == 32 and token.encode() not in row["token"]


@pytest.mark.parametrize("token, status", [("A" * 43, 404), ("", 422), ("short", 422), ("<b>" * 20, 422)])
def test_made_up_links_do_nothing(world: World, token: str, status: int) -> None:
    amina = world.person()
    wants(world, amina)
    answer = world.post(UNSUBSCRIBE, None, params={"token": token})
    assert answer.status_code == status, answer.text
    assert "<b>" not in answer.text
    assert mails_on(world, amina) == ["POSTS"]


def _digest_at_once(world: World) -> int:
    """Several processes run the same schedule and its jobs; how many mails come of it."""
    amina = world.person()
    wants(world, amina)
    follow(world, world.person(), amina)

    async def run() -> None:
        with at(NOON + timedelta(days=1)):
            await asyncio.gather(*(handlers.start(world.app) for _ in range(5)))
            await jobs.drain(world.app, world.app.db, facts.registry)

    world.go(run())
    return len(world.mails())


def test_many_processes_start_one_digest(clone: World) -> None:
    assert _digest_at_once(clone) == 1


def test_control_without_keys_there_is_a_job_for_each(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    async def enqueue(tx: Any, handler: Any, payload: Any, *, key: str) -> None:
        made.append(key)
        await stored(tx, handler, payload)

    stored = facts.enqueue
    monkeypatch.setattr(handlers.facts, "enqueue", enqueue)
    amina = clone.person()
    wants(clone, amina)

    async def run() -> None:
        await asyncio.gather(*(handlers.start(clone.app) for _ in range(5)))

    clone.go(run())
    waiting = clone.sql("SELECT 1 FROM pgqueuer WHERE entrypoint = 'digests.handlers.send'")
    assert len(made) == len(waiting) == 5
