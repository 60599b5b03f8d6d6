"""Drafts, and messages that are sent at their time."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from majlis.features.media.service import object_of
from majlis.features.messages import service as messages
from majlis.kit import clock, facts, jobs
from tests.features.graph.test_people import suspend
from tests.features.media.uploads import jpeg
from tests.features.messages.talking import act
from tests.features.messages.test_routes import made, of, say, texts
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import Person, World

DRAFTS = "/api/v1/message-drafts"
SCHEDULED = "/api/v1/scheduled-messages"
Json = dict[str, Any]


def in_minutes(minutes: float) -> str:
    return (clock.now() + timedelta(minutes=minutes)).isoformat()


def later(world: World, minutes: float) -> None:
    """Run what is due now, then what is due by then."""
    world.drain()
    ahead = timedelta(minutes=minutes)
    with clock.shifted(ahead):
        world.go(jobs.drain(world.app, world.app.db, facts.registry, ahead=ahead))


def schedule(world: World, who: Person, conversation: Json, minutes: float = 5, **message: Any) -> Json:
    body = {
        "conversation_id": conversation["id"],
        "message": {"text": "later", **message},
        "send_at": in_minutes(minutes),
    }
    answer = world.post(SCHEDULED, who, body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def listed(world: World, who: Person, path: str = SCHEDULED, **query: Any) -> list[Json]:
    answer = world.get(path, who, params=query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found


def told(world: World, who: Person) -> list[tuple[str, Any]]:
    events = act(world, messages.events, who, f"u_{who.id}", 0, 100)
    return [(event.type, msgspec.json.decode(event.data)) for event in events]


# ---- drafts


def test_a_draft_is_on_all_devices_until_it_is_dropped(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    root = say(world, karim, dm)
    path = of(dm, "/draft")
    for text in ("Sal", "Salaam"):
        assert world.put(path, amina, {"text": text}).status_code == 200
    world.put(path, amina, {"text": "in the thread", "thread_root_id": root["id"]})
    assert [(one["text"], one["thread_root_id"]) for one in listed(world, amina, DRAFTS)] == [
        ("in the thread", root["id"]), ("Salaam", None),
    ]  # fmt: skip
    assert listed(world, karim, DRAFTS) == []
    assert world.delete(path, amina).status_code == 204
    assert world.delete(path, amina).status_code == 404
    assert world.delete(path, amina, params={"thread_root_id": root["id"]}).status_code == 204
    assert listed(world, amina, DRAFTS) == []
    assert [kind for kind, _ in told(world, amina)] == [
        "conversation.created", *["draft.updated"] * 3, *["draft.deleted"] * 2,
    ]  # fmt: skip
    assert [kind for kind, _ in told(world, karim)] == ["conversation.created"]


def test_replayed_entries_give_what_is_listed(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    group = made(world, amina, karim, name="Two")
    drafts: dict[str, Json] = {}
    waiting: dict[str, Json] = {}
    seen = 0
    kept = schedule(world, amina, dm, 5)
    gone = schedule(world, amina, group, 6)

    def check() -> None:
        nonlocal seen
        for kind, data in told(world, amina)[seen:]:
            seen += 1
            if kind == "draft.updated":
                drafts[data["draft"]["conversation_id"]] = data["draft"]
            elif kind == "draft.deleted":
                del drafts[data["conversation_id"]]
            elif kind == "scheduled.updated":
                waiting[data["scheduled"]["id"]] = data["scheduled"]
            elif kind == "scheduled.deleted":
                del waiting[data["id"]]
        assert {one["conversation_id"]: one for one in listed(world, amina, DRAFTS)} == drafts
        assert {
            one["id"]: one for state in ("WAITING", "SENT") for one in listed(world, amina, state=state)
        } == waiting

    for conversation, text in ((dm, "a"), (group, "b"), (dm, "c")):
        world.put(of(conversation, "/draft"), amina, {"text": text})
    world.put(f"{SCHEDULED}/{kept['id']}", amina, {"text": "changed"})
    check()
    world.delete(of(group, "/draft"), amina)
    world.delete(f"{SCHEDULED}/{gone['id']}", amina)
    later(world, 6)
    check()
    assert (list(drafts), waiting[kept["id"]]["state"]) == ([dm["id"]], "SENT")


def test_drafts_of_others_and_elsewhere(world: World) -> None:
    amina, karim, eve = world.person(), world.person(), world.person()
    dm = made(world, amina, karim)
    assert world.put(of(dm, "/draft"), eve, {"text": "a"}).status_code == 404
    other = say(world, eve, made(world, eve, karim))
    answer = world.put(of(dm, "/draft"), karim, {"text": "a", "thread_root_id": other["id"]})
    assert faults(answer) == {"thread_root_id"}
    assert (
        world.put(of(dm, "/draft"), karim, {"text": "a", "thread_root_id": str(uuid4())}).status_code == 404
    )
    assert faults(world.put(of(dm, "/draft"), amina, {"text": ""})) == {"text"}
    group = made(world, amina, karim, name="Two")
    world.put(of(group, "/draft"), karim, {"text": "a"})
    world.delete(of(group, "/members/me"), karim)
    assert listed(world, karim, DRAFTS) == []


# ---- scheduled messages


def test_a_message_is_sent_at_its_time_once(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    planned = schedule(world, amina, dm)
    assert (planned["state"], planned["message"]["text"], planned["message_id"]) == ("WAITING", "later", None)
    later(world, 4)
    assert texts(world, karim, dm) == []
    later(world, 6)
    later(world, 7)
    assert texts(world, karim, dm) == ["later"]
    (sent,) = listed(world, amina, state="SENT")
    assert (listed(world, amina), sent["id"]) == ([], planned["id"])
    assert sent["message_id"] == world.get(of(dm), karim).json()["data"][0]["id"]
    changes = [data["scheduled"]["state"] for kind, data in told(world, amina) if kind == "scheduled.updated"]
    assert changes == ["WAITING", "SENT"]


def test_it_can_be_put_off_changed_and_cancelled(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    first, second = schedule(world, amina, dm, 5), schedule(world, amina, dm, 6, text="never")
    path = f"{SCHEDULED}/{first['id']}"
    answer = world.put(path, amina, {"send_at": in_minutes(20), "text": "much later"})
    assert answer.json()["message"]["text"] == "much later"
    assert [one["id"] for one in listed(world, amina)] == [second["id"], first["id"]]
    assert world.delete(f"{SCHEDULED}/{second['id']}", amina).status_code == 204
    later(world, 10)
    assert texts(world, karim, dm) == []
    later(world, 21)
    assert texts(world, karim, dm) == ["much later"]
    assert world.put(path, amina, {"text": "too late"}).status_code == 409
    assert world.delete(path, amina).status_code == 204
    assert world.delete(path, amina).status_code == 404


def test_it_is_nobody_elses(world: World) -> None:
    amina, karim = world.person(), world.person()
    path = f"{SCHEDULED}/{schedule(world, amina, made(world, amina, karim))['id']}"
    assert world.put(path, karim, {"text": "mine"}).status_code == 404
    assert world.delete(path, karim).status_code == 404
    assert listed(world, karim) == []


@pytest.mark.parametrize(
    "reason, code",
    [("block", "blocked_by_user"), ("suspend", "account_deactivated"), ("gone", "not_a_member")],
)
def test_what_is_refused_at_its_time_says_why(world: World, reason: str, code: str) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    schedule(world, amina, dm)
    if reason == "block":
        block(world, karim, amina)
    elif reason == "suspend":
        suspend(world, amina)
        world.sql("UPDATE users SET suspended_at = now() WHERE id = $1 RETURNING 1", amina.id)
    else:
        world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", karim.id)
    later(world, 6)
    assert world.sql("SELECT state, failure FROM scheduled_messages") == [
        {"state": "FAILED", "failure": code}
    ]
    assert world.sql("SELECT 1 FROM messages") == []


def test_pictures_wait_with_their_message(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    upload = world.post("/api/v1/upload/post", amina, files={"file": ("bread.jpg", jpeg())}).json()
    schedule(world, amina, dm, file_ids=[upload["url"]])
    attached = "SELECT attached FROM uploads"
    assert world.sql(attached) == [{"attached": 1}]
    later(world, 6)
    assert world.sql(attached) == [{"attached": 1}]
    (file,) = world.get(of(dm), karim).json()["data"][0]["files"]
    assert object_of(file["url"]) == object_of(upload["url"])
    other = schedule(world, amina, dm, file_ids=[upload["url"]])
    assert world.sql(attached) == [{"attached": 2}]
    world.delete(f"{SCHEDULED}/{other['id']}", amina)
    assert world.sql(attached) == [{"attached": 1}]


def test_wrong_input_is_named(world: World) -> None:
    amina, karim = world.person(), world.person()
    body = {
        "conversation_id": made(world, amina, karim)["id"],
        "message": {"text": "a"},
        "send_at": in_minutes(5),
    }
    assert faults(world.post(SCHEDULED, amina, {**body, "send_at": in_minutes(-1)})) == {"send_at"}
    assert faults(world.post(SCHEDULED, amina, {**body, "send_at": in_minutes(600_000)})) == {"send_at"}
    assert faults(world.post(SCHEDULED, amina, {**body, "send_at": "2027-01-01T00:00:00"})) == {"send_at"}
    assert faults(world.post(SCHEDULED, amina, {**body, "message": {"text": " "}})) == {"message.text"}
    assert faults(world.post(SCHEDULED, amina, {**body, "state": "SENT"})) == {"state"}
    assert faults(world.post(SCHEDULED, amina, {})) == {"conversation_id", "message", "send_at"}
    assert world.post(SCHEDULED, amina, {**body, "conversation_id": str(uuid4())}).status_code == 404
    for _ in range(100):
        world.sql(
            "INSERT INTO scheduled_messages (id, user_id, conversation_id, message, send_at, created_at)"
            " VALUES ($1, $2, $3, '{}', now() + interval '1 hour', now()) RETURNING 1",
            uuid4(), amina.id, body["conversation_id"],
        )  # fmt: skip
    assert world.post(SCHEDULED, amina, body).status_code == 409


def test_lists_take_a_constant_number_of_queries_in_pages(world: World) -> None:
    amina, karim = world.person(), world.person()
    for n in range(3):
        group = made(world, amina, karim, name=f"g{n}")
        schedule(world, amina, group, 5 + n, text=f"m{n}")
        world.put(of(group, "/draft"), amina, {"text": f"d{n}"})
    for path, expected in ((SCHEDULED, ["m0", "m1", "m2"]), (DRAFTS, ["d2", "d1", "d0"])):
        found, cursor = [], None
        for _ in range(2):
            page = world.get(
                path, amina, params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            ).json()
            found += [one["text"] if "text" in one else one["message"]["text"] for one in page["data"]]
            cursor = page["next_cursor"]
        assert (found, cursor) == (expected, None)
        with counted(world) as seen:
            assert world.get(path, amina, params={"offset": 0}).json()["total"] == 3
        assert len(seen) <= 3
