"""Direct conversations of a workspace: who opens them, that there is one of each, and how they end."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from majlis.features.channels import store
from majlis.features.directs import service
from tests.features.discussions.talk import delete, history, place, react, said, send, texts
from tests.features.graph.test_people import suspend
from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.waiting import until_waiting
from tests.world import World


def ids(team: Team, *roles: str) -> list[str]:
    return [str(team[role].id) for role in roles]


def open_(team: Team, who: str, *others: str) -> httpx.Response:
    return team.world.post(f"{team.path}/dms", team[who], {"user_ids": ids(team, *others)})


def opened(team: Team, who: str, *others: str) -> str:
    """The id of a direct conversation."""
    answer = open_(team, who, *others)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def listed(team: Team, who: str, **query: Any) -> list[dict[str, Any]]:
    answer = team.world.get(f"{team.path}/dms", team[who], params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def status(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["code"] if answer.status_code >= 400 else None


def test_the_same_people_have_one_conversation(world: World) -> None:
    team = Team(world)
    first = open_(team, "member", "admin")
    assert first.status_code == 201
    shown = first.json()
    assert (shown["kind"], shown["name"], shown["is_private"]) == ("dm", None, True)
    assert shown["user_ids"] == sorted(ids(team, "member", "admin"))
    assert (shown["member_count"], shown["me"]["is_member"]) == (2, True)
    again = open_(team, "admin", "member", "admin")
    assert (again.status_code, again.json()["id"]) == (200, shown["id"])
    three = open_(team, "admin", "owner", "member", "owner")
    assert (three.status_code, three.json()["kind"]) == (201, "group_dm")
    assert open_(team, "owner", "member", "admin").json()["id"] == three.json()["id"] != shown["id"]
    other = Team(world)
    for person in (team["member"], team["admin"]):
        other.come(person)
    elsewhere = world.post(f"{other.path}/dms", team["member"], {"user_ids": ids(team, "admin")})
    assert elsewhere.status_code == 201, "another workspace is another conversation"
    assert [one["id"] for one in listed(team, "member")] == [three.json()["id"], shown["id"]]


def test_who_may_open_one_with_whom(world: World) -> None:
    team = Team(world)
    assert status(open_(team, "outsider", "member")) == (404, "not_found")
    for others in (["outsider"], ["outsider", "admin"]):
        assert status(open_(team, "member", *others)) == (404, "not_found")
    assert faults(open_(team, "member", "member")) == {"user_ids"}
    path = f"{team.path}/dms"
    wrong: list[dict[str, Any]] = [
        {"user_ids": []},
        {"user_ids": ids(team, "admin") * 9},
        {"user_ids": ["x"]},
        {},
    ]
    for bad in wrong:
        answer = world.post(path, team["member"], bad)
        assert answer.status_code in (400, 422) and "user_ids" in answer.text
    block(world, team["admin"], team["member"])
    for one, other in (("member", "admin"), ("admin", "member")):
        assert status(open_(team, one, other)) == (403, "blocked_by_user")
        assert status(open_(team, one, other, "owner")) == (403, "blocked_by_user")
    suspend(world, team["owner"])
    assert status(open_(team, "member", "owner")) == (404, "not_found")


def test_guests_write_to_those_with_whom_they_share_a_channel(world: World) -> None:
    team = Team(world)
    assert open_(team, "guest", "owner").status_code == 201
    assert status(open_(team, "guest", "admin")) == (404, "not_found")
    assert status(open_(team, "guest", "owner", "admin")) == (404, "not_found")
    opened(team, "admin", "owner", "guest")
    assert status(open_(team, "guest", "admin")) == (404, "not_found"), (
        "a conversation is no channel to share"
    )
    world.post(f"/api/v1/channels/{team.lobby}/join", team["admin"])
    assert open_(team, "guest", "admin").status_code == 201


def test_it_is_talked_in_like_in_a_channel(world: World) -> None:
    team = Team(world)
    dm = opened(team, "member", "admin")
    first = said(team, "member", dm, "salaam @admintest")
    said(team, "member", dm, "are you there?")
    assert place(team, "admin", dm)["unread_count"] == 2
    (line,) = listed(team, "admin")
    assert (line["id"], line["me"]["unread_count"], line["me"]["mention_count"]) == (dm, 2, 1)
    new = world.get(f"{team.path}/unreads", team["admin"]).json()["channels"]
    assert [one["unread_count"] for one in new if one["channel_id"] == dm] == [2]
    (workspace,) = world.get("/api/v1/workspaces", team["admin"]).json()["data"]
    assert workspace["unread_count"] == 2
    found = world.get(f"{team.path}/search", team["admin"], params={"q": "in:@membertest salaam"}).json()
    assert [one["message"]["id"] for one in found["data"]] == [first["id"]]
    for q in ("in:@ownertest salaam", "-in:@membertest salaam", "in:#lobby salaam"):
        assert world.get(f"{team.path}/search", team["admin"], params={"q": q}).json()["data"] == []
    read = {"seq": history(team, "admin", dm)["head_seq"]}
    world.post(f"/api/v1/channels/{dm}/mark_read", team["admin"], read)
    assert place(team, "admin", dm)["unread_count"] == 0
    assert react(team, "admin", first["id"], "👍") == 200
    assert said(team, "admin", dm, "yes", thread_root_id=first["id"])["thread_root_id"] == first["id"]
    for who in ("owner", "guest", "outsider"):
        assert send(team, who, dm).status_code == 404
        assert world.get(f"/api/v1/channels/{dm}/messages", team[who]).status_code == 404
        assert world.get(f"/api/v1/messages/{first['id']}", team[who]).status_code == 404


def test_nobody_rules_over_it_and_nobody_else_comes_in(world: World) -> None:
    team = Team(world)
    dm = opened(team, "admin", "member")
    path = f"/api/v1/channels/{dm}"
    theirs = said(team, "member", dm, "mine")
    assert delete(team, "admin", theirs["id"]) == 403, (
        "an admin of the workspace is nobody in particular here"
    )
    assert world.request("PATCH", path, team["admin"], json={"name": "ours"}).status_code == 403
    for verb in ("archive", "unarchive"):
        assert world.post(f"{path}/{verb}", team["admin"]).status_code == 403
    body = {"user_ids": ids(team, "owner")}
    assert world.post(f"{path}/members", team["admin"], body).status_code == 403
    assert world.delete(f"{path}/members/{team['member'].id}", team["admin"]).status_code == 403
    assert status(world.post(f"{path}/leave", team["admin"])) == (409, "direct_conversation")
    assert world.delete(f"{path}/members/{team['admin'].id}", team["admin"]).status_code == 409
    roles = world.get(f"{path}/members", team["admin"]).json()["data"]
    assert [one["channel_role"] for one in roles] == ["member", "member"]
    link = {"kind": "link", "channel_ids": [dm]}
    answer = world.post(f"{team.path}/invites", team["admin"], link)
    assert answer.status_code == 422, "nobody is invited into it"
    assert delete(team, "member", theirs["id"]) == 204


def test_a_block_ends_the_talk_of_two(world: World) -> None:
    team = Team(world)
    dm, group = opened(team, "admin", "member"), opened(team, "admin", "member", "owner")
    message = said(team, "admin", dm, "salaam")
    block(world, team["member"], team["admin"])
    for who in ("admin", "member"):
        assert status(send(team, who, dm)) == (403, "blocked_by_user")
        assert react(team, who, message["id"], "👍") == 403
        assert texts(team, who, dm) == ["salaam"], "what was said is still read"
    assert send(team, "admin", group).status_code == 201
    assert delete(team, "admin", message["id"]) == 204, "what is one's own can be taken back"


def test_whoever_leaves_the_workspace_loses_it_and_it_is_over(world: World) -> None:
    team = Team(world)
    dm, group = opened(team, "admin", "member"), opened(team, "admin", "member", "owner")
    other = opened(team, "admin", "owner")
    said(team, "admin", dm, "before")
    assert world.delete(f"{team.path}/members/{team['member'].id}", team["member"]).status_code == 204
    for channel in (dm, group):
        assert world.get(f"/api/v1/channels/{channel}", team["member"]).status_code == 404
        log = world.sql(
            "SELECT type FROM conversation_events WHERE conversation_id = $1 ORDER BY seq", channel
        )
        assert [row["type"] for row in log][-2:] == ["member.left", "channel.archived"]
        assert status(send(team, "admin", channel)) == (409, "channel_archived")
    assert texts(team, "admin", dm) == ["before"]
    assert send(team, "admin", other).status_code == 201
    told = world.sql(
        "SELECT payload ->> 'conversation_id' AS id FROM user_events WHERE user_id = $1 AND type = 'conversation.removed'",
        team["member"].id,
    )
    assert {dm, group} <= {row["id"] for row in told}
    team.come(team["member"])
    assert listed(team, "member") == [], "it does not come back by itself"
    again = open_(team, "owner", "member", "admin")
    assert (again.status_code, again.json()["id"], again.json()["archived_at"]) == (200, group, None)
    assert send(team, "member", group).status_code == 201
    assert opened(team, "member", "admin") == dm
    assert texts(team, "member", dm) == ["before"]


def test_lists_of_channels_have_them_only_when_asked(world: World) -> None:
    team = Team(world)
    dm, group = opened(team, "admin", "member"), opened(team, "admin", "member", "owner")
    assert team.names("member", include_archived=True) == ["general", "lobby"]
    assert [one["id"] for one in team.channels("member", kind="dm")] == [dm]
    assert [one["id"] for one in team.channels("member", kind="group_dm")] == [group]
    assert team.channels("owner", kind="dm") == []
    made = world.post(f"{team.path}/channels", team["member"], {"name": "x", "kind": "dm"})
    assert made.status_code in (400, 422)


def test_the_list_is_by_what_moved_last_in_pages(world: World) -> None:
    team = Team(world)
    first, second, third = (
        opened(team, "admin", *others) for others in (["member"], ["owner"], ["member", "owner"])
    )
    said(team, "admin", first)
    order = [first, third, second]
    assert [one["id"] for one in listed(team, "admin")] == order
    seen, query = [], {"limit": 1}
    while True:
        page = world.get(f"{team.path}/dms", team["admin"], params=query).json()
        seen += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        query = {"limit": 1, "cursor": page["next_cursor"]}
    assert seen == order
    counting = world.get(f"{team.path}/dms", team["admin"], params={"offset": 1}).json()
    assert ([one["id"] for one in counting["data"]], counting["total"]) == (order[1:], 3)
    assert world.get(f"{team.path}/dms", team["outsider"]).status_code == 404


def test_a_list_is_one_query_however_long(world: World) -> None:
    team = Team(world)
    opened(team, "admin", "member")
    with counted(world) as few:
        listed(team, "admin")
    opened(team, "admin", "owner")
    opened(team, "admin", "owner", "member")
    with counted(world) as many:
        listed(team, "admin")
    assert len(few) == len(many)


def test_two_who_open_it_at_once_get_the_same(clone: World) -> None:
    team = Team(clone)
    one, other = clone.go(_both_open(clone, team))
    assert one[0] == other[0]
    assert (one[1], other[1]) == (True, False)
    assert len(listed(team, "admin")) == 1


def test_control_without_the_key_they_get_two(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team(clone)
    monkeypatch.setattr(store, "people_key", lambda people: secrets.token_bytes(32))
    one, other = clone.go(_both_open(clone, team))
    assert (one[1], other[1]) == (True, True)
    assert one[0] != other[0]


async def _both_open(world: World, team: Team) -> list[tuple[str, bool]]:
    """What two get who open the same conversation while neither is done: the second waits for the first."""

    async def open_one(who: str, whom: str) -> tuple[str, bool]:
        async with world.app.db.tx() as tx:
            found, new = await service.open_direct(tx, team[who].me, made, [team[whom].id])
            return str(found.id), new

    made = (await world.http.get(team.path, headers=team["admin"].auth)).json()["id"]
    async with world.app.db.tx() as tx:
        found, new = await service.open_direct(tx, team["admin"].me, made, [team["member"].id])
        late = asyncio.ensure_future(open_one("member", "admin"))
        await until_waiting(world, 1, late)
    return [(str(found.id), new), await late]
