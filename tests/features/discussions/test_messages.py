"""Messages of channels: who says, reads, changes and takes back what."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from majlis.features.media.service import object_of
from majlis.kit import clock
from tests.features.discussions.talk import delete, history, react, read, said, send, texts, unreact
from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World

READERS = {"owner": 200, "admin": 200, "member": 200, "guest": 404, "outsider": 404}


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


@pytest.mark.rule("afrochat:R10")
def test_a_message_belongs_to_its_channel_and_stands_in_the_log(world: World, team: Team) -> None:
    body = {"client_msg_id": str(uuid4()), "text": "bread?", "blocks": [{"type": "divider"}]}
    path = f"/api/v1/channels/{team.general}/messages"
    sent = world.post(path, team["member"], body)
    assert sent.status_code == 201
    message = sent.json()
    assert message == {
        "id": message["id"],
        "channel_id": team.general,
        "seq": message["seq"],
        "ts": message["ts"],
        "sender_id": str(team["member"].id),
        "type": "text",
        "text": "bread?",
        "blocks": [{"type": "divider"}],
        "bot": None,
        "client_msg_id": body["client_msg_id"],
        "thread_root_id": None,
        "reply_count": 0,
        "last_reply_seq": None,
        "also_in_channel": False,
        "files": [],
        "mentions": {"user_ids": [], "channel": False, "here": False},
        "reactions": [],
        "pinned": False,
        "edited_at": None,
        "deleted_at": None,
        "created_at": message["created_at"],
        "duplicate": False,
    }
    again = world.post(path, team["member"], body)
    assert again.status_code == 200 and again.json() == {**message, "duplicate": True}
    other = world.post(path, team["member"], {**body, "text": "cake?"})
    assert other.status_code == 409 and other.json()["error"]["code"] == "client_msg_id_reused"
    log = world.get(f"/api/v1/channels/{team.general}/events", team["admin"]).json()
    assert log["head_seq"] == message["seq"] and [one["seq"] for one in log["data"]] == list(
        range(1, message["seq"] + 1)
    )
    assert log["data"][-1]["type"] == "message.created"
    assert log["data"][-1]["data"]["message"]["id"] == message["id"]


def test_one_key_at_once_is_one_message(clone: World) -> None:
    team = Team(clone)
    body = {"client_msg_id": str(uuid4()), "text": "once"}
    path = f"/api/v1/channels/{team.general}/messages"

    async def race() -> list[Any]:
        sends = (clone.http.post(path, json=body, headers=team["member"].auth) for _ in range(6))
        return await asyncio.gather(*sends)

    answers = clone.go(race())
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert texts(team, "owner", team.general) == ["once"]
    # The control: without the same key they are as many.
    assert said(team, "member", team.general, "once")["id"] != answers[0].json()["id"]


@pytest.mark.rule("afrochat:D3")
def test_members_write_and_readers_read(world: World, team: Team) -> None:
    path = f"/api/v1/channels/{team.lobby}/messages"
    for role, status in (("owner", 201), ("guest", 201), ("admin", 403), ("member", 403), ("outsider", 404)):
        assert send(team, role, team.lobby).status_code == status, role
    assert world.get(path).status_code == 401
    assert team.ask("GET", path) == {**READERS, "guest": 200}
    root = said(team, "owner", team.general)["id"]
    assert team.ask("GET", f"/api/v1/messages/{root}") == READERS
    for rest in ("/replies", "/reactions"):
        assert team.ask("GET", f"/api/v1/messages/{root}{rest}") == READERS
    secret = team.channel("member", "secret", kind="private")
    hidden = said(team, "member", secret)["id"]
    assert team.ask("GET", f"/api/v1/messages/{hidden}") == {**READERS, "owner": 404, "admin": 404}
    for at in (
        f"/api/v1/channels/{secret}/messages",
        f"/api/v1/messages/{hidden}/replies",
        f"/api/v1/channels/{secret}/pins",
    ):
        assert team.ask("GET", at) == {**READERS, "owner": 404, "admin": 404}
    assert team.ask("GET", f"/api/v1/channels/{team.lobby}/events") == {
        "owner": 200,
        "admin": 403,
        "member": 403,
        "guest": 200,
        "outsider": 404,
    }


def test_a_channel_for_moderators_and_an_archived_one_are_not_written_in(world: World, team: Team) -> None:
    people = [str(team[role].id) for role in ("admin", "guest")]
    channel = team.channel("member", "news", member_ids=people)
    path = f"/api/v1/channels/{channel}"
    world.request("PATCH", path, team["member"], json={"posting_policy": "moderators"})
    refused = send(team, "guest", channel)
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "read_only_channel"
    message = said(team, "member", channel)
    assert said(team, "admin", channel)
    world.post(f"{path}/archive", team["member"])
    at = f"/api/v1/messages/{message['id']}"
    for method, rest, body in (
        ("PATCH", at, {"text": "x"}),
        ("PUT", f"{path}/pins/{message['id']}", {}),
        ("PUT", f"{at}/follow", {"following": True}),
        ("POST", f"{path}/messages", {"client_msg_id": str(uuid4()), "text": "x"}),
    ):
        refused = world.request(method, rest, team["member"], json=body)
        assert refused.status_code == 409 and refused.json()["error"]["code"] == "channel_archived", rest
    assert delete(team, "member", message["id"]) == 409
    assert react(team, "member", message["id"], "+1") == 409
    assert unreact(team, "member", message["id"], "+1") == 409
    assert len(texts(team, "guest", channel)) == 2


@pytest.mark.rule("afrochat:D5")
@pytest.mark.parametrize(
    "fields, field",
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 40_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"client_msg_id": "one"}, "client_msg_id"),
        ({"client_msg_id": None}, "client_msg_id"),
        ({"type": "system"}, "type"),
        ({"thread_root_id": str(uuid4())}, "thread_root_id"),
        ({"also_in_channel": True}, "also_in_channel"),
        ({"file_ids": ["x"] * 11}, "file_ids"),
        ({"blocks": [{}] * 51}, "blocks"),
    ],
)
def test_bad_fields_of_a_message_are_named(team: Team, fields: dict[str, Any], field: str) -> None:
    refused = send(team, "member", team.general, **{"text": "x", **fields})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["error"]["details"]] == [field]
    assert send(team, "member", team.general, "x" * 40_000).status_code == 201


@pytest.mark.rule("afrochat:D5")
def test_only_the_author_edits_within_the_window(world: World, team: Team) -> None:
    message = said(team, "member", team.general, "bred")
    path = f"/api/v1/messages/{message['id']}"
    assert team.ask("PATCH", path, json={"text": "bread"}) == {
        "owner": 403,
        "admin": 403,
        "member": 200,
        "guest": 404,
        "outsider": 404,
    }
    shown = read(team, "admin", message["id"])
    assert (shown["text"], shown["seq"]) == ("bread", message["seq"]) and shown["edited_at"] is not None
    late = world.request("PATCH", path, team["member"], json={"text": "x", "if_seq": message["seq"]})
    assert late.status_code == 409 and late.json()["error"]["code"] == "message_changed"
    head = history(team, "member", team.general)["head_seq"]
    good = world.request("PATCH", path, team["member"], json={"text": "loaf", "if_seq": head})
    assert good.status_code == 200 and good.json()["text"] == "loaf"
    for bad in ("", "x" * 40_001):
        refused = world.request("PATCH", path, team["member"], json={"text": bad})
        assert refused.status_code == 422 and refused.json()["error"]["details"][0]["field"] == "text"
    team.set(edit_window_s=60)
    with clock.shifted(timedelta(seconds=61)):
        closed = world.request("PATCH", path, team["member"], json={"text": "late"})
    assert closed.status_code == 403 and closed.json()["error"]["code"] == "edit_window_closed"


@pytest.mark.rule("afrochat:D5")
def test_the_author_and_moderators_delete_and_a_tombstone_stays(world: World, team: Team) -> None:
    team.people["second"] = world.person("Second")
    team.come(team["second"])
    for who, expected in (("guest", 404), ("outsider", 404), ("admin", 204), ("owner", 204), ("member", 204)):
        one = said(team, "member", team.general, "secret sauce")["id"]
        assert delete(team, "second", one) == 403
        assert delete(team, who, one) == expected, who
    shown = read(team, "second", one)
    assert shown["text"] == "" and shown["deleted_at"] is not None
    assert delete(team, "member", one) == 204  # again changes nothing
    assert texts(team, "admin", team.general) == ["secret sauce", "secret sauce", "", "", ""]
    log = world.get(f"/api/v1/channels/{team.general}/events?limit=500", team["admin"]).text
    assert log.count("secret sauce") == 2
    path = f"/api/v1/messages/{one}"
    for method, rest, body in (("PATCH", "", {"text": "x"}), ("PUT", "/follow", {"following": True})):
        assert world.request(method, path + rest, team["member"], json=body).status_code == 404
    assert react(team, "member", one, "+1") == 404
    assert world.get(f"{path}/reactions", team["member"]).json() == {"data": []}


def test_admins_moderate_public_channels_that_they_are_not_in(team: Team) -> None:
    message = said(team, "owner", team.lobby)
    assert delete(team, "member", message["id"]) == 403
    assert delete(team, "admin", message["id"]) == 204
    assert texts(team, "owner", team.lobby) == [""]


def test_history_comes_in_its_order_before_behind_and_around_a_place(world: World, team: Team) -> None:
    channel = team.channel("member", "bread")
    seqs = [said(team, "member", channel, str(number))["seq"] for number in range(9)]
    every = history(team, "owner", channel)
    assert [one["seq"] for one in every["data"]] == seqs
    assert (every["has_more_before"], every["has_more_after"]) == (False, False)
    assert every["head_seq"] == seqs[-1] and every["first_unread_seq"] is None

    def part(**query: Any) -> tuple[list[str], bool, bool]:
        found = history(team, "owner", channel, limit=4, **query)
        return [one["text"] for one in found["data"]], found["has_more_before"], found["has_more_after"]

    assert part() == (["5", "6", "7", "8"], True, False)
    assert part(before_seq=seqs[5]) == (["1", "2", "3", "4"], True, True)
    assert part(before_seq=seqs[2]) == (["0", "1"], False, True)
    assert part(after_seq=seqs[2]) == (["3", "4", "5", "6"], True, True)
    assert part(after_seq=seqs[-1]) == ([], True, False)
    assert part(around_seq=seqs[4]) == (["2", "3", "4", "5"], True, True)
    assert part(around="first_unread") == (["7", "8"], True, False)
    world.post(f"/api/v1/channels/{channel}/join", team["owner"])
    world.post(f"/api/v1/channels/{channel}/mark_unread", team["owner"], {"seq": seqs[4]})
    assert part(around="first_unread") == (["2", "3", "4", "5"], True, True)
    assert history(team, "owner", channel)["first_unread_seq"] == seqs[4]
    path = f"/api/v1/channels/{channel}/messages"
    for query, fields in (
        ({"limit": 201}, ["limit"]),
        ({"before_seq": -1}, ["before_seq"]),
        ({"around": "here"}, ["around"]),
        ({"before_seq": 1, "after_seq": 1}, ["before_seq", "after_seq"]),
    ):
        refused = world.get(path, team["owner"], params=query)
        assert refused.status_code == 422
        assert [fault["field"] for fault in refused.json()["error"]["details"]] == fields


def test_lists_take_as_many_queries_for_few_as_for_many(world: World, team: Team) -> None:
    root = said(team, "member", team.general)["id"]
    said(team, "member", team.general, "reply", thread_root_id=root)
    world.put(f"/api/v1/channels/{team.general}/pins/{root}", team["member"])
    paths = (
        f"/api/v1/channels/{team.general}/messages",
        f"/api/v1/messages/{root}/replies",
        f"/api/v1/messages/{root}/reactions",
        f"/api/v1/channels/{team.general}/pins",
        f"/api/v1/channels/{team.general}/events",
        f"{team.path}/unreads",
    )

    def counts() -> list[int]:
        found = []
        for path in paths:
            with counted(world) as seen:
                assert world.get(path, team["admin"]).status_code == 200
            found.append(len(seen))
        return found

    few = counts()
    for number in range(4):
        more = said(team, "member", team.general, f"@admintest {number}")["id"]
        said(team, "owner", team.general, f"reply {number}", thread_root_id=root)
        assert [react(team, "owner", one, f"+{number}") for one in (more, root)] == [200, 200]
        world.put(f"/api/v1/channels/{team.general}/pins/{more}", team["member"])
        team.channel("admin", f"more-{number}")
    assert counts() == few


def test_the_log_is_read_in_parts_and_a_gap_is_told(world: World, team: Team) -> None:
    for number in range(4):
        said(team, "member", team.general, str(number))
    path = f"/api/v1/channels/{team.general}/events"
    first = world.get(path, team["admin"], params={"limit": 3}).json()
    rest = world.get(path, team["admin"], params={"after_seq": first["data"][-1]["seq"]}).json()
    assert [one["seq"] for one in first["data"] + rest["data"]] == list(range(1, first["head_seq"] + 1))
    world.sql("UPDATE conversations SET min_seq = 4 WHERE id = $1 RETURNING id", team.general)
    gap = world.get(path, team["admin"], params={"after_seq": 2})
    assert gap.status_code == 410 and gap.json()["error"]["code"] == "gap"
    (detail,) = gap.json()["error"]["details"]
    assert (detail["field"], detail["message"]) == ("head_seq", str(first["head_seq"]))
    assert world.get(path, team["admin"], params={"after_seq": 3}).json()["min_seq"] == 4
    assert world.get(path, team["admin"], params={"limit": 501}).status_code == 422


def test_a_file_is_an_upload_of_the_senders_own(world: World, team: Team) -> None:
    url = world.post("/api/v1/upload", team["member"], files={"file": ("a.jpg", jpeg())}).json()["url"]
    assert send(team, "owner", team.general, "", file_ids=[url]).status_code == 422
    message = said(team, "member", team.general, "", type="image", file_ids=[url])
    assert [object_of(one["url"]) for one in message["files"]] == [object_of(url)]
    assert delete(team, "member", message["id"]) == 204
    assert history(team, "owner", team.general)["data"][0]["files"] == []
