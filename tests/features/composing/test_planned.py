"""What is said in channels at its time."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from majlis.features.composing import service, store
from majlis.features.composing.model import PlanCreate, PlanUpdate
from majlis.features.identity import service as identity
from majlis.features.media.service import object_of
from majlis.kit import clock
from majlis.kit.db import Query, Tx
from majlis.kit.errors import Refused
from majlis.kit.me import Me
from tests.features.composing.test_composing import in_minutes, later, told
from tests.features.discussions.talk import history, place, said, texts
from tests.features.graph.test_people import suspend
from tests.features.media.uploads import jpeg
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.waiting import until_waiting
from tests.world import World

Json = dict[str, Any]


def ask(team: Team, who: str, channel: str, minutes: float = 5, **fields: Any) -> httpx.Response:
    body = {"post_at": in_minutes(minutes), "text": "later", **fields}
    return team.world.post(f"/api/v1/channels/{channel}/scheduled_messages", team[who], body)


def plan(team: Team, who: str, channel: str, minutes: float = 5, **fields: Any) -> Json:
    answer = ask(team, who, channel, minutes, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def planned(team: Team, who: str, **query: Any) -> list[Json]:
    answer = team.world.get(f"{team.path}/scheduled_messages", team[who], params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def change(team: Team, who: str, one: Json, **fields: Any) -> httpx.Response:
    return team.request("PATCH", f"/api/v1/scheduled_messages/{one['id']}", who, json=fields)


def drop(team: Team, who: str, one: Json) -> int:
    return team.request("DELETE", f"/api/v1/scheduled_messages/{one['id']}", who).status_code


def test_it_is_said_at_its_time_once_like_any_message(world: World) -> None:
    team = Team(world)
    one = plan(team, "member", team.general, text="@admintest bread")
    assert (one["status"], one["channel_id"], one["message_id"], one["failure"]) == (
        "scheduled", team.general, None, None,
    )  # fmt: skip
    later(world, 4)
    assert texts(team, "owner", team.general) == []
    later(world, 6)
    later(world, 7)
    (message,) = history(team, "owner", team.general)["data"]
    assert message["text"] == "@admintest bread"
    assert message["sender_id"] == str(team["member"].id)
    assert message["mentions"]["user_ids"] == [str(team["admin"].id)], "it went through the channel's door"
    assert place(team, "admin", team.general)["mention_count"] == 1
    assert place(team, "member", team.general)["last_read_seq"] == message["seq"]
    assert planned(team, "member") == []
    shown = [data["scheduled"] for kind, data in told(world, team["member"]) if kind == "scheduled.updated"]
    assert [(row["status"], row["message_id"]) for row in shown] == [
        ("scheduled", None), ("sent", message["id"]),
    ]  # fmt: skip
    assert change(team, "member", one, text="too late").status_code == 409
    assert drop(team, "member", one) == 204
    assert drop(team, "member", one) == 404


def test_it_answers_in_a_thread_and_in_a_direct_conversation(world: World) -> None:
    team = Team(world)
    root = said(team, "owner", team.general, "root")
    dm = world.post(f"{team.path}/dms", team["member"], {"user_ids": [str(team["admin"].id)]}).json()["id"]
    plan(team, "member", team.general, thread_root_id=root["id"], text="reply")
    plan(team, "member", dm, text="between us")
    assert ask(team, "owner", dm).status_code == 404
    elsewhere = said(team, "owner", team.lobby, "another channel")
    assert ask(team, "member", team.general, thread_root_id=elsewhere["id"]).status_code == 404
    assert faults(ask(team, "owner", team.general, thread_root_id=elsewhere["id"])) == {"thread_root_id"}
    later(world, 6)
    replies = world.get(f"/api/v1/messages/{root['id']}/replies", team["owner"]).json()["data"]
    assert [one["text"] for one in replies] == ["reply"]
    assert texts(team, "admin", dm) == ["between us"]


def test_its_files_are_kept_until_then(world: World) -> None:
    team = Team(world)
    uploaded = world.post("/api/v1/upload", team["member"], files={"file": ("a.jpg", jpeg())})
    url = uploaded.json()["url"]
    plan(team, "member", team.general, text="", file_ids=[url])
    (field,) = faults(ask(team, "admin", team.general, file_ids=[url]))
    assert field.startswith("file_ids[0]")
    later(world, 6)
    (message,) = history(team, "owner", team.general)["data"]
    assert [object_of(file["url"]) for file in message["files"]] == [object_of(url)]


def test_it_can_be_changed_and_dropped_by_its_writer_only(world: World) -> None:
    team = Team(world)
    world.post(f"/api/v1/channels/{team.lobby}/join", team["member"])
    one, other = plan(team, "member", team.general, 5), plan(team, "member", team.lobby, 6)
    for who in ("owner", "admin", "outsider"):
        assert change(team, who, one, text="mine").status_code == 404
        assert drop(team, who, one) == 404
    assert planned(team, "admin") == []
    answer = change(team, "member", one, post_at=in_minutes(20), text="much later")
    assert (answer.status_code, answer.json()["text"]) == (200, "much later")
    assert [row["id"] for row in planned(team, "member")] == [other["id"], one["id"]]
    assert drop(team, "member", other) == 204
    later(world, 10)
    assert texts(team, "owner", team.general) == []
    later(world, 21)
    assert texts(team, "owner", team.general) == ["much later"]
    assert texts(team, "owner", team.lobby) == []


@pytest.mark.parametrize(
    "reason, code",
    [
        ("left", "not_found"),
        ("channel", "not_a_member"),
        ("policy", "read_only_channel"),
        ("archived", "channel_archived"),
        ("suspended", "account_deactivated"),
        ("thread", "wrong_thread"),
    ],
)
def test_what_its_writer_may_not_say_any_more_is_shown_to_them(world: World, reason: str, code: str) -> None:
    team = Team(world)
    channel = team.channel("owner", "bread", member_ids=[str(team["member"].id)])
    path = f"/api/v1/channels/{channel}"
    root = said(team, "owner", channel, "root")["id"]
    one = plan(team, "member", channel, **({"thread_root_id": root} if reason == "thread" else {}))
    said_before = texts(team, "owner", channel)
    if reason == "left":
        world.delete(f"{team.path}/members/{team['member'].id}", team["member"])
    elif reason == "channel":
        world.post(f"{path}/leave", team["member"])
    elif reason == "policy":
        world.request("PATCH", path, team["owner"], json={"posting_policy": "moderators"})
    elif reason == "archived":
        world.post(f"{path}/archive", team["owner"])
    elif reason == "suspended":
        suspend(world, team["member"])
    else:
        world.delete(f"/api/v1/messages/{root}", team["owner"])
    later(world, 6)
    assert texts(team, "owner", channel)[: len(said_before)] == (said_before if reason != "thread" else [""])
    assert "later" not in texts(team, "owner", channel, include_replies=True)
    row = world.sql("SELECT state, failure FROM scheduled_messages WHERE id = $1", one["id"])
    assert row == [{"state": "FAILED", "failure": code}]
    note = "SELECT title, data ->> 'scheduled_id' AS id FROM notifications WHERE user_id = $1 AND type = 'SYSTEM'"
    assert world.sql(note, team["member"].id) == [{"title": "Not sent", "id": one["id"]}]
    entries = [data for kind, data in told(world, team["member"]) if kind == "scheduled.updated"]
    assert entries[-1]["scheduled"]["failure"] == code
    if reason in ("channel", "policy", "archived", "thread"):
        (shown,) = planned(team, "member")
        assert (shown["id"], shown["status"], shown["failure"]) == (one["id"], "failed", code)
        assert change(team, "member", one, text="again").status_code == 409
        assert drop(team, "member", one) == 204


def test_a_block_refuses_it_between_two(world: World) -> None:
    team = Team(world)
    dm = world.post(f"{team.path}/dms", team["member"], {"user_ids": [str(team["admin"].id)]}).json()["id"]
    plan(team, "member", dm)
    block(world, team["admin"], team["member"])
    assert ask(team, "member", dm).status_code == 403
    later(world, 6)
    assert texts(team, "admin", dm) == []
    (shown,) = planned(team, "member")
    assert (shown["status"], shown["failure"]) == ("failed", "blocked_by_user")


def test_who_may_plan_what(world: World) -> None:
    team = Team(world)
    secret = team.channel("owner", "secret", kind="private")
    quiet = team.channel("owner", "quiet", member_ids=[str(team["member"].id)])
    world.request("PATCH", f"/api/v1/channels/{quiet}", team["owner"], json={"posting_policy": "moderators"})
    assert [ask(team, who, secret).status_code for who in ("owner", "member", "outsider")] == [201, 404, 404]
    assert [ask(team, who, quiet).status_code for who in ("owner", "member")] == [201, 403]
    assert ask(team, "member", team.lobby).status_code == 403, "only who is in the channel"
    world.post(f"/api/v1/channels/{quiet}/archive", team["owner"])
    assert ask(team, "owner", quiet).json()["error"]["code"] == "channel_archived"
    days = 24 * 60
    for minutes in (0.5, -1, 121 * days):
        assert faults(ask(team, "owner", secret, minutes)) == {"post_at"}
        assert faults(change(team, "owner", planned(team, "owner")[0], post_at=in_minutes(minutes))) == {
            "post_at"
        }
    for minutes in (1.1, 119 * days):
        assert ask(team, "owner", secret, minutes).status_code == 201
    assert faults(ask(team, "owner", secret, text=" ")) == {"text"}
    assert faults(ask(team, "owner", secret, text="a" * 40_001)) == {"text"}
    assert faults(ask(team, "owner", secret, status="sent")) == {"status"}
    naive = (clock.now() + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    assert faults(ask(team, "owner", secret, post_at=naive)) == {"post_at"}
    assert world.get(f"{team.path}/scheduled_messages", team["outsider"]).status_code == 404


def test_the_list_has_pages_and_one_query(world: World) -> None:
    team = Team(world)
    with counted(world) as few:
        planned(team, "owner")
    rows = [plan(team, "owner", team.general, 5 + number)["id"] for number in range(3)]
    with counted(world) as many:
        assert [one["id"] for one in planned(team, "owner")] == rows
    assert len(few) == len(many)
    path = f"{team.path}/scheduled_messages"
    first = world.get(path, team["owner"], params={"limit": 2}).json()
    rest = world.get(path, team["owner"], params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == rows
    assert rest["next_cursor"] is None
    assert world.get(path, team["owner"], params={"offset": 2}).json()["total"] == 3
    other = Team(world)
    other.come(team["owner"])
    assert planned(other, "owner") == []
    assert world.get("/api/v1/scheduled-messages", team["owner"]).json()["data"] == []


def test_two_at_once_do_not_both_get_the_last_place(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team(clone)
    monkeypatch.setattr(service, "MOST", 1)
    assert clone.go(_planned_at_once(clone, team)) == "too_many_scheduled"
    assert len(planned(team, "member")) == 1


def test_control_without_the_lock_both_get_it(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team(clone)
    monkeypatch.setattr(service, "MOST", 1)

    async def no_hold(tx: Tx, me: Me, user_id: UUID) -> None: ...

    monkeypatch.setattr(identity, "hold", no_hold)
    assert clone.go(_planned_at_once(clone, team)) is None
    assert len(planned(team, "member")) == 2


async def _planned_at_once(world: World, team: Team) -> str | None:
    """Plan two messages: the second while the first is stored and not committed. What refuses the second."""
    who, channel = team["member"].me, UUID(team.general)
    body = PlanCreate(text="later", post_at=clock.now() + timedelta(minutes=5))

    async def second() -> str | None:
        try:
            async with world.app.db.tx() as tx:
                await service.plan(tx, who, channel, body)
        except Refused as refused:
            return refused.code
        return None

    async with world.app.db.tx() as tx:
        await service.plan(tx, who, channel, body)
        late = asyncio.ensure_future(second())
        await until_waiting(world, 1, late)  # for the account, or, without its lock, for the log of its owner
    return await late


def test_who_changes_it_while_it_is_sent_is_told_so(clone: World) -> None:
    team = Team(clone)
    one = plan(team, "member", team.general)
    assert clone.go(_changed_while_sent(clone, team, one)) == "not_waiting"
    assert texts(team, "owner", team.general) == ["later"]


def test_control_without_its_lock_they_believe_that_it_changed(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(clone)
    one = plan(team, "member", team.general)
    unlocked = Query(store.Held, store.HOLD.sql.replace("FOR UPDATE OF s", ""))
    assert clone.go(_changed_while_sent(clone, team, one, monkeypatch, unlocked)) is None
    assert texts(team, "owner", team.general) == ["later"]


async def _changed_while_sent(
    world: World,
    team: Team,
    one: Json,
    monkeypatch: pytest.MonkeyPatch | None = None,
    hold: Query[store.Held] = store.HOLD,
) -> str | None:
    """The code of what refuses a change that comes while the message is being sent."""

    async def rewrite() -> str | None:
        try:
            async with world.app.db.tx() as tx:
                await service.replan(tx, team["member"].me, UUID(one["id"]), PlanUpdate(text="changed"))
        except Refused as refused:
            return refused.code
        return None

    async with world.app.db.tx() as tx:
        with clock.shifted(timedelta(minutes=6)):
            await service.send_due(tx, Me.system, UUID(one["id"]))
        if monkeypatch is not None:
            monkeypatch.setattr(store, "HOLD", hold)
        late = asyncio.ensure_future(rewrite())
        await until_waiting(world, 1, late)  # for the row, or, without its lock, to write it
    return await late
