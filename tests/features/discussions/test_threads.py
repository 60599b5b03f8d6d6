"""Threads, reactions, pins, mentions, and what is new to whom."""

from typing import Any
from uuid import uuid4

import pytest

from tests.features.discussions.talk import (
    delete,
    history,
    place,
    react,
    read,
    said,
    send,
    texts,
    unreact,
)
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def unreads(team: Team, who: str) -> dict[str, Any]:
    answer = team.request("GET", f"{team.path}/unreads", who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def channel_of(team: Team, who: str, channel: str) -> dict[str, Any]:
    return next(one for one in unreads(team, who)["channels"] if one["channel_id"] == channel)


@pytest.mark.rule("afrochat:R10", "afrochat:D5")
def test_a_thread_has_one_level_and_stays_out_of_the_channel(world: World, team: Team) -> None:
    root = said(team, "member", team.general, "root")
    replies = [said(team, "admin", team.general, f"r{n}", thread_root_id=root["id"]) for n in range(5)]
    also = said(team, "owner", team.general, "also", thread_root_id=root["id"], also_in_channel=True)
    assert texts(team, "member", team.general) == ["root", "also"]
    assert len(texts(team, "member", team.general, include_replies=True)) == 7
    path = f"/api/v1/messages/{root['id']}/replies"
    thread = world.get(path, team["member"]).json()
    assert thread["root"]["id"] == root["id"]
    assert (thread["root"]["reply_count"], thread["root"]["last_reply_seq"]) == (6, also["seq"])
    assert [one["text"] for one in thread["data"]] == ["r0", "r1", "r2", "r3", "r4", "also"]
    part = world.get(path, team["member"], params={"limit": 2, "after_seq": replies[1]["seq"]}).json()
    assert [one["text"] for one in part["data"]] == ["r2", "r3"]
    assert (part["has_more_before"], part["has_more_after"]) == (True, True)
    deeper = send(team, "member", team.general, thread_root_id=replies[0]["id"])
    assert deeper.status_code == 422
    assert world.get(f"/api/v1/messages/{also['id']}/replies", team["member"]).status_code == 422
    elsewhere = send(team, "owner", team.lobby, thread_root_id=root["id"])
    assert elsewhere.status_code == 422


def test_what_is_new_are_roots_of_others_behind_the_pointer(world: World, team: Team) -> None:
    root = said(team, "member", team.general, "1")
    said(team, "member", team.general, "reply", thread_root_id=root["id"])
    said(team, "member", team.general, "also", thread_root_id=root["id"], also_in_channel=True)
    gone = said(team, "member", team.general, "gone")
    assert delete(team, "member", gone["id"]) == 204
    world.put(f"/api/v1/channels/{team.general}/topic", team["member"], {"topic": "Rye"})
    assert place(team, "admin", team.general)["unread_count"] == 2
    assert place(team, "member", team.general)["unread_count"] == 0
    new = channel_of(team, "admin", team.general)
    assert (new["unread_count"], new["first_unread_seq"]) == (2, root["seq"])
    assert new["head_seq"] == history(team, "admin", team.general)["head_seq"]
    own = said(team, "admin", team.general, "mine")
    assert place(team, "admin", team.general)["last_read_seq"] == own["seq"]
    assert place(team, "admin", team.general)["unread_count"] == 0
    (listed,) = world.get("/api/v1/workspaces", team["member"]).json()["data"]
    assert listed["unread_count"] == 1
    assert world.get(f"{team.path}/unreads", team["outsider"]).status_code == 404


def test_the_pointer_moves_back_by_mark_unread_only_and_all_devices_hear_of_it(
    world: World, team: Team
) -> None:
    seqs = [said(team, "member", team.general, str(n))["seq"] for n in range(4)]
    path = f"/api/v1/channels/{team.general}"

    def mark(verb: str, seq: int) -> dict[str, int]:
        return dict(world.post(f"{path}/{verb}", team["admin"], {"seq": seq}).json())

    assert mark("mark_read", seqs[2]) == {"last_read_seq": seqs[2], "unread_count": 1, "mention_count": 0}
    assert mark("mark_read", seqs[0])["last_read_seq"] == seqs[2]
    assert mark("mark_unread", seqs[1]) == {
        "last_read_seq": seqs[1] - 1,
        "unread_count": 3,
        "mention_count": 0,
    }
    assert mark("mark_read", 2**53)["unread_count"] == 0
    told = world.sql("SELECT type FROM user_events WHERE user_id = $1 ORDER BY seq", team["admin"].id)
    assert [row["type"] for row in told].count("read.updated") == 3
    statuses = {"owner": 200, "admin": 200, "member": 200, "guest": 404, "outsider": 404}
    for verb in ("mark_read", "mark_unread"):
        assert team.ask("POST", f"{path}/{verb}", json={"seq": 1}) == statuses
        assert (
            team.request(
                "POST", f"/api/v1/channels/{team.lobby}/{verb}", "member", json={"seq": 1}
            ).status_code
            == 403
        )
        assert team.request("POST", f"{path}/{verb}", "member", json={"seq": -1}).status_code == 422


def test_mentions_count_for_whom_they_mean(world: World, team: Team) -> None:
    message = said(team, "member", team.general, "@AdminTest and @admintest, not a@guesttest or @nobody")
    assert message["mentions"] == {"user_ids": [str(team["admin"].id)], "channel": False, "here": False}
    assert place(team, "admin", team.general)["mention_count"] == 1
    assert place(team, "owner", team.general)["mention_count"] == 0
    everybody = said(team, "member", team.general, "@channel and @here")
    assert everybody["mentions"] == {"user_ids": [], "channel": True, "here": True}
    assert place(team, "admin", team.general)["mention_count"] == 2
    assert place(team, "owner", team.general)["mention_count"] == 1
    assert place(team, "member", team.general)["mention_count"] == 0
    path = f"/api/v1/messages/{message['id']}"
    edited = world.request("PATCH", path, team["member"], json={"text": "@ownertest"}).json()
    assert edited["mentions"]["user_ids"] == [str(team["owner"].id)]
    assert place(team, "admin", team.general)["mention_count"] == 1
    assert delete(team, "member", message["id"]) == 204
    assert place(team, "owner", team.general)["mention_count"] == 1
    team.set(who_can_mention_all="admins")
    assert said(team, "member", team.general, "@channel")["mentions"]["channel"] is False
    assert said(team, "admin", team.general, "@channel")["mentions"]["channel"] is True
    many = " ".join(f"@name{n}" for n in range(51))
    assert send(team, "member", team.general, many).status_code == 422


def test_nobody_is_mentioned_who_cannot_read_the_channel(team: Team) -> None:
    secret = team.channel("member", "secret", kind="private")
    assert said(team, "member", secret, "@admintest")["mentions"]["user_ids"] == []
    assert said(team, "member", team.general, "@guesttest")["mentions"]["user_ids"] == []
    assert said(team, "owner", team.lobby, "@guesttest")["mentions"]["user_ids"] == [str(team["guest"].id)]


def test_threads_are_followed_by_whoever_is_in_them(world: World, team: Team) -> None:
    root = said(team, "member", team.general, "root")
    said(team, "owner", team.general, "@admintest look", thread_root_id=root["id"])
    assert [unreads(team, who)["threads_unread"] for who in ("member", "admin", "owner")] == [1, 1, 0]
    path = f"/api/v1/messages/{root['id']}"
    last = said(team, "owner", team.general, "more", thread_root_id=root["id"])
    read = world.post(f"{path}/mark_thread_read", team["member"], {"seq": last["seq"] - 1}).json()
    assert read == {"last_read_seq": last["seq"] - 1, "unread_count": 1}
    read = world.post(f"{path}/mark_thread_read", team["member"], {"seq": last["seq"]}).json()
    assert read["unread_count"] == 0 and unreads(team, "member")["threads_unread"] == 0
    assert world.put(f"{path}/follow", team["admin"], {"following": False}).json() == {"following": False}
    said(team, "owner", team.general, "@admintest again", thread_root_id=root["id"])
    assert unreads(team, "admin")["threads_unread"] == 0
    for verb, method, body in (
        ("follow", "PUT", {"following": True}),
        ("mark_thread_read", "POST", {"seq": 1}),
    ):
        assert team.ask(method, f"{path}/{verb}", json=body) == {
            "owner": 200,
            "admin": 200,
            "member": 200,
            "guest": 404,
            "outsider": 404,
        }
        assert (
            world.request(
                method, f"/api/v1/messages/{last['id']}/{verb}", team["member"], json=body
            ).status_code
            == 422
        )


def test_reactions_are_counted_and_ones_own(world: World, team: Team) -> None:
    message = said(team, "member", team.general)["id"]
    assert [react(team, who, message, "👍") for who in ("member", "admin", "admin")] == [200] * 3
    assert react(team, "owner", message, "tada") == 200
    shown = read(team, "member", message)["reactions"]
    assert shown == [{"emoji": "👍", "count": 2, "me": True}, {"emoji": "tada", "count": 1, "me": False}]
    path = f"/api/v1/messages/{message}/reactions"
    listed = world.get(path, team["owner"]).json()["data"]
    assert listed[0] == {
        "emoji": "👍",
        "count": 2,
        "user_ids": [str(team["member"].id), str(team["admin"].id)],
    }
    assert unreact(team, "owner", message, "👍") == 204  # not theirs: changes nothing
    assert [unreact(team, "member", message, "👍") for _ in range(2)] == [204, 204]
    assert world.get(path, team["owner"]).json()["data"][0]["count"] == 1
    everybody = {"owner": 200, "admin": 200, "member": 200, "guest": 404, "outsider": 404}
    assert team.ask("PUT", f"{path}/+1") == everybody
    assert team.ask("DELETE", f"{path}/+1") == {
        role: 204 if status == 200 else status for role, status in everybody.items()
    }
    for bad in (":tada:", "two words", "x" * 65, "T"):
        assert react(team, "member", message, bad) == 404, bad
    outside = said(team, "owner", team.lobby)["id"]
    assert react(team, "member", outside, "+1") == 403
    assert [react(team, "member", message, f"e{number}") for number in range(18)] == [200] * 18
    assert react(team, "member", message, "one-more") == 409


def test_pins_are_listed_with_who_pinned_them_up_to_a_hundred(world: World, team: Team) -> None:
    first, second = (said(team, "member", team.general, text)["id"] for text in ("1", "2"))
    path = f"/api/v1/channels/{team.general}/pins"
    for message in (first, second, first):
        assert team.request("PUT", f"{path}/{message}", "admin").status_code == 204
    found = world.get(path, team["member"]).json()["data"]
    assert [(one["text"], one["pinned"], one["pinned_by"]) for one in found] == [
        ("2", True, str(team["admin"].id)),
        ("1", True, str(team["admin"].id)),
    ]
    assert all(one["pinned_at"] for one in found)
    part = world.get(path, team["member"], params={"limit": 1}).json()
    rest = world.get(path, team["member"], params={"limit": 1, "cursor": part["next_cursor"]}).json()
    assert [one["text"] for one in part["data"] + rest["data"]] == ["2", "1"] and rest["next_cursor"] is None
    statuses = {"owner": 204, "admin": 204, "member": 204, "guest": 404, "outsider": 404}
    assert team.ask("PUT", f"{path}/{first}") == statuses
    assert team.ask("DELETE", f"{path}/{first}") == statuses
    assert [one["text"] for one in world.get(path, team["member"]).json()["data"]] == ["2"]
    for wrong in (f"/api/v1/channels/{team.lobby}/pins/{first}", f"{path}/{uuid4()}"):
        assert team.request("PUT", wrong, "owner").status_code == 404
        assert team.request("DELETE", wrong, "owner").status_code == 404
    assert delete(team, "member", second) == 204
    assert world.get(path, team["member"]).json()["data"] == []
    many = [said(team, "member", team.general)["id"] for _ in range(101)]
    statuses_of = [team.request("PUT", f"{path}/{one}", "member").status_code for one in many]
    assert statuses_of == [204] * 100 + [409]
    assert team.request("PUT", f"{path}/{many[0]}", "member").status_code == 204
