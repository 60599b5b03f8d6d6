"""Who hears of what was said in a channel: in the list, on devices, by mail; and who does not."""

from typing import Any

import httpx
import pytest

from majlis.features.attention import service, store
from majlis.features.conversations import service as conversations
from tests.features.chat.test_told import later, wants_mail
from tests.features.composing.test_composing import told as log
from tests.features.discussions.talk import delete, history, said
from tests.features.notifications.test_told import told
from tests.features.posts.writing import block
from tests.features.push.phones import pushed, register
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def kinds(team: Team, who: str) -> list[str]:
    """What somebody is told, the latest first."""
    return [one["type"] for one in told(team.world, team[who])]


def prefer(team: Team, who: str, channel: str, **settings: Any) -> None:
    answer = team.request("PATCH", f"/api/v1/channels/{channel}/members/me", who, json=settings)
    assert answer.status_code == 200, answer.text


def active(team: Team, who: str) -> None:
    """Somebody looks at a device of theirs."""
    team.world.go(conversations.mark_active(team.world.app, team[who].me))


def mark_read(team: Team, who: str, channel: str) -> httpx.Response:
    seq = history(team, who, channel)["head_seq"]
    return team.world.post(f"/api/v1/channels/{channel}/mark_read", team[who], {"seq": seq})


def test_whom_a_message_mentions_is_told_and_their_phone_rings(world: World, team: Team) -> None:
    register(world, team["admin"], "phone")
    register(world, team["owner"], "phone2")
    message = said(team, "member", team.general, "@admintest look")
    (note,) = told(world, team["admin"])
    assert (note["type"], note["title"], note["message"]) == (
        "MENTION", "New mention", "Member Test mentioned you.",
    )  # fmt: skip
    assert note["data"] == {
        "user_id": str(team["member"].id), "conversation_id": team.general, "message_id": message["id"],
    }  # fmt: skip
    assert [(one["to"]["token"], one["push"]["body"]) for one in pushed(world)] == [
        ("phone", "Member Test mentioned you.")
    ]
    assert kinds(team, "owner") == kinds(team, "member") == []
    created = [data for kind, data in log(world, team["admin"]) if kind == "notification.created"]
    assert created[-1] == {"type": "MENTION", "notification_id": note["id"]}


def test_a_message_stores_a_job_for_whom_it_calls_and_one_for_mails(world: World, team: Team) -> None:
    world.drain()
    said(team, "member", team.general, "@channel bread")
    jobs = world.sql(
        "SELECT entrypoint FROM pgqueuer WHERE entrypoint LIKE '%SaidInChannel' ORDER BY entrypoint"
    )
    assert [row["entrypoint"] for row in jobs] == [
        "attention.handlers.tell_of_message:SaidInChannel",
        "digests.handlers.await_reading:SaidInChannel",
    ]
    assert world.sql("SELECT entrypoint FROM pgqueuer WHERE entrypoint LIKE '%MessageSent'") == []


def test_everybody_in_the_channel_hears_of_a_channel_mention(team: Team) -> None:
    said(team, "member", team.general, "@channel bread")
    assert kinds(team, "admin") == kinds(team, "owner") == ["MENTION"]
    assert kinds(team, "guest") == kinds(team, "member") == []


def test_here_means_who_has_a_device_in_use_and_does_not_read_it(world: World, team: Team) -> None:
    active(team, "admin")
    said(team, "member", team.general, "@here bread")
    assert kinds(team, "admin") == kinds(team, "owner") == [], "some time to read it"
    later(world, 1)
    assert kinds(team, "admin") == ["MENTION"]
    assert kinds(team, "owner") == []


def test_who_reads_it_in_time_is_not_told(world: World, team: Team) -> None:
    active(team, "admin")
    said(team, "member", team.general, "@admintest look")
    world.drain()
    mark_read(team, "admin", team.general)
    later(world, 1)
    assert kinds(team, "admin") == []


def test_what_was_told_is_read_with_the_message_and_goes_with_it(world: World, team: Team) -> None:
    first = said(team, "member", team.general, "@admintest one")
    elsewhere = team.channel("member", "elsewhere", member_ids=[str(team["admin"].id)])
    said(team, "member", elsewhere, "@admintest two")
    assert [one["read"] for one in told(world, team["admin"])] == [False, False]
    mark_read(team, "admin", team.general)
    assert [one["read"] for one in told(world, team["admin"])] == [False, True]
    assert delete(team, "member", first["id"]) == 204
    assert [one["read"] for one in told(world, team["admin"])] == [False]


@pytest.mark.parametrize(
    "settings, text, kind",
    [
        ({}, "bread", None),
        ({"notify": "all"}, "bread", "MESSAGE"),
        ({"notify": "all"}, "@admintest bread", "MENTION"),
        ({"notify": "mentions"}, "bread", None),
        ({"notify": "mentions"}, "@admintest bread", "MENTION"),
        ({"notify": "none"}, "@admintest bread", None),
        ({"muted_until": "2999-01-01T00:00:00Z"}, "@channel @admintest bread", None),
        ({"muted_until": "2001-01-01T00:00:00Z"}, "@admintest bread", "MENTION"),
    ],
)
def test_everybody_says_of_what_they_hear(
    team: Team, settings: dict[str, Any], text: str, kind: str | None
) -> None:
    if settings:
        prefer(team, "admin", team.general, **settings)
    said(team, "member", team.general, text)
    assert kinds(team, "admin") == ([kind] if kind else [])


def test_who_hears_of_everything_hears_not_of_replies_in_threads(team: Team) -> None:
    root = said(team, "member", team.general, "root")
    prefer(team, "admin", team.general, notify="all")
    said(team, "owner", team.general, "reply", thread_root_id=root["id"])
    assert "MESSAGE" not in kinds(team, "admin")[:-1]
    said(team, "owner", team.general, "reply to all", thread_root_id=root["id"], also_in_channel=True)
    assert kinds(team, "admin").count("MESSAGE") == 2, "the root, as they hear of everything now, and this"


def test_those_who_converse_directly_hear_of_each_message(world: World, team: Team) -> None:
    dm = world.post(f"{team.path}/dms", team["member"], {"user_ids": [str(team["admin"].id)]}).json()["id"]
    root = said(team, "member", dm, "salaam")
    assert kinds(team, "admin") == ["MESSAGE"]
    said(team, "member", dm, "again", thread_root_id=root["id"])
    assert kinds(team, "admin") == ["MESSAGE", "MESSAGE"]
    prefer(team, "admin", dm, notify="none")
    said(team, "member", dm, "and again")
    assert kinds(team, "admin") == ["MESSAGE", "MESSAGE"]


def test_nobody_hears_of_whom_they_block_or_of_where_they_are_not(world: World, team: Team) -> None:
    said(team, "member", team.general, "@guesttest bread")
    assert kinds(team, "guest") == []
    block(world, team["admin"], team["member"])
    said(team, "member", team.general, "@admintest bread")
    assert kinds(team, "admin") == []
    world.request(
        "PUT", f"/api/v1/channels/{team.general}/topic", team["member"], json={"topic": "@ownertest"}
    )
    assert kinds(team, "owner") == [], "what the server notes calls nobody"


def test_large_channels_are_told_in_parts(world: World, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    small = store.CALLED.sql.replace(f"LIMIT {store.CALLS}", "LIMIT 1")
    monkeypatch.setattr(store, "CALLED", type(store.CALLED)(store.Called, small))
    monkeypatch.setattr(service, "CALLS", 1)
    said(team, "member", team.general, "@channel bread")
    assert kinds(team, "admin") == kinds(team, "owner") == ["MENTION"]


def test_who_wants_mails_gets_one_of_mentions_they_do_not_read(world: World, team: Team) -> None:
    for who in ("admin", "owner"):
        wants_mail(world, team[who])
    before = len(world.mails())
    said(team, "member", team.general, "@admintest one")
    said(team, "member", team.general, "nobody in particular")
    world.drain()
    later(world, 11)
    new = world.mails()[before:]
    assert [(mail.to, "1 unread message" in mail.text) for mail in new] == [(team["admin"].email, True)]


def test_what_a_program_says_calls_people_too(world: World, team: Team) -> None:
    body = {"channel_id": team.general, "display_name": "Oven watch"}
    hook = world.post(f"{team.path}/incoming_webhooks", team["owner"], body).json()["url"]
    path = hook[hook.index("/hooks/") :]
    assert world.post(path, json={"text": "@admintest the oven is hot"}).status_code == 200
    (note,) = told(world, team["admin"])
    assert (note["type"], note["message"], note["read"]) == ("MENTION", "Oven watch mentioned you.", False)
    assert kinds(team, "owner") == []
    mark_read(team, "admin", team.general)
    assert [one["read"] for one in told(world, team["admin"])] == [True]
    message = history(team, "admin", team.general)["data"][-1]
    assert delete(team, "owner", message["id"]) == 204
    assert told(world, team["admin"]) == []
