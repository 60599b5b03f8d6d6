"""Who got and who read a message, as its sender learns."""

from typing import Any

import httpx
import pytest

from majlis.features.conversations.model import RECEIPTS
from majlis.features.messages import service as messages
from tests.features.chat.chatting import MESSAGES, opened, say
from tests.features.composing.test_composing import told as log
from tests.features.discussions.talk import delete, history, said, send
from tests.features.messages.talking import act
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def ask(team: Team, who: str, message: dict[str, Any]) -> httpx.Response:
    return team.world.get(f"/api/v1/messages/{message['id']}/receipts", team[who])


def receipts(team: Team, who: str, message: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The roles of those whose devices got it, and of those who read it."""
    answer = ask(team, who, message)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    roles = {str(person.id): role for role, person in team.people.items()}
    delivered = sorted(roles[one] for one in body["delivered"])
    return delivered, sorted(roles[one["user_id"]] for one in body["read"])


def read(team: Team, who: str, channel: str) -> None:
    seq = history(team, who, channel)["head_seq"]
    assert team.world.post(f"/api/v1/channels/{channel}/mark_read", team[who], {"seq": seq}).is_success


def acknowledge(team: Team, who: str, channel: str, seq: int) -> None:
    act(team.world, messages.acknowledge, team[who], {f"c_{channel}": seq})


def let_know(team: Team, who: str, yes: bool) -> None:
    answer = team.world.put("/api/v1/settings/privacy", team[who], {"read_receipts": yes})
    assert answer.status_code == 200 and answer.json()["read_receipts"] is yes, answer.text


def test_the_sender_learns_who_got_and_who_read_it(world: World, team: Team) -> None:
    message = said(team, "member", team.general)
    assert receipts(team, "member", message) == ([], [])
    acknowledge(team, "admin", team.general, message["seq"])
    acknowledge(team, "owner", team.general, message["seq"] - 1)
    assert receipts(team, "member", message) == (["admin"], [])
    read(team, "owner", team.general)
    assert receipts(team, "member", message) == (["admin", "owner"], ["owner"])
    (entry,) = ask(team, "member", message).json()["read"]
    world.post(f"/api/v1/channels/{team.general}/mark_unread", team["owner"], {"seq": message["seq"]})
    later = said(team, "member", team.general)
    read(team, "owner", team.general)
    assert ask(team, "member", message).json()["read"] == [entry], "the first time counts"
    assert receipts(team, "member", later)[1] == ["owner"]
    said(team, "admin", team.general, "who writes has read what was written before")
    assert receipts(team, "member", later)[1] == ["admin", "owner"]


def test_they_are_there_in_direct_conversations_too(world: World, team: Team) -> None:
    dm = world.post(f"{team.path}/dms", team["member"], {"user_ids": [str(team["admin"].id)]}).json()["id"]
    message = said(team, "member", dm)
    read(team, "admin", dm)
    assert receipts(team, "member", message) == (["admin"], ["admin"])


def test_only_the_sender_learns_of_it(team: Team) -> None:
    message = said(team, "member", team.general)
    assert {who: ask(team, who, message).status_code for who in team.people} == {
        "owner": 403, "admin": 403, "member": 200, "guest": 404, "outsider": 404,
    }  # fmt: skip
    assert delete(team, "member", message["id"]) == 204
    assert ask(team, "member", message).status_code == 404


def test_who_lets_nobody_know_is_not_named(world: World, team: Team) -> None:
    message = said(team, "member", team.general)
    let_know(team, "admin", False)
    for who in ("admin", "owner"):
        read(team, who, team.general)
    assert receipts(team, "member", message) == (["admin", "owner"], ["owner"])
    let_know(team, "admin", True)
    assert receipts(team, "member", message)[1] == ["owner"], "nor afterwards, of what was read before"
    second = said(team, "member", team.general)
    read(team, "admin", team.general)
    assert receipts(team, "member", second)[1] == ["admin"]
    let_know(team, "admin", False)
    assert receipts(team, "member", second)[1] == [], "nor of what was read while they did"


def test_the_other_one_of_a_private_conversation_does_not_learn_it_either(world: World, team: Team) -> None:
    conversation = opened(world, team["member"], team["admin"])
    let_know(team, "admin", False)
    message = say(world, team["member"], conversation)
    assert world.put(f"{MESSAGES}/{message['id']}/read", team["admin"]).status_code == 200
    shown = world.get(f"/api/v1/chat/conversations/{conversation['id']}/messages", team["member"])
    assert shown.json()["data"][0]["read_at"] is None
    assert "read.updated" not in [kind for kind, _ in log(world, team["member"])]
    assert "read.updated" in [kind for kind, _ in log(world, team["admin"])], "their own devices do"


def test_who_came_later_or_left_is_not_among_them(world: World, team: Team) -> None:
    channel = team.channel("member", "bread", member_ids=[str(team["admin"].id)])
    message = said(team, "member", channel)
    world.post(f"/api/v1/channels/{channel}/join", team["owner"])
    said(team, "member", channel)
    read(team, "owner", channel)
    read(team, "admin", channel)
    assert receipts(team, "member", message) == (["admin"], ["admin"])
    world.post(f"/api/v1/channels/{channel}/leave", team["admin"])
    assert receipts(team, "member", message) == ([], [])


def test_there_are_none_in_large_channels(world: World, team: Team) -> None:
    small, large = said(team, "member", team.general), None
    read(team, "admin", team.general)
    fill(world, team, RECEIPTS - 3)
    assert receipts(team, "member", small)[1] == ["admin"]
    fill(world, team, 1)
    large = said(team, "member", team.general)
    assert ask(team, "member", large).json()["error"]["code"] == "too_many_members"
    before = world.sql("SELECT count(*) AS n FROM conversation_reads")
    read(team, "admin", team.general)
    assert world.sql("SELECT count(*) AS n FROM conversation_reads") == before, "nothing is noted there"
    assert send(team, "admin", team.general).status_code == 201


def fill(world: World, team: Team, number: int) -> None:
    """Let so many more into the channel in which everybody is."""
    for _ in range(number):
        world.sql(
            """INSERT INTO conversation_members (conversation_id, user_id, joined_at)
            SELECT $1::uuid, $2::uuid, now() RETURNING 1""",
            team.general,
            world.person().id,
        )


def test_they_cost_the_same_however_many_read_it(world: World, team: Team) -> None:
    message = said(team, "member", team.general)
    with counted(world) as few:
        receipts(team, "member", message)
    for who in ("admin", "owner"):
        read(team, who, team.general)
    with counted(world) as many:
        receipts(team, "member", message)
    assert len(few) == len(many)
