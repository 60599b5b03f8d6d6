"""Mentions of somebody, and the threads that they follow."""

from typing import Any

import pytest

from majlis.features.attention import store
from majlis.kit.db import Query
from tests.features.discussions.talk import delete, said
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def asked(team: Team, who: str, what: str, **query: Any) -> dict[str, Any]:
    answer = team.request("GET", f"{team.path}/{what}", who, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def mentioned(team: Team, who: str, **query: Any) -> list[str]:
    return [one["text"] for one in asked(team, who, "mentions", **query)["data"]]


def test_mentions_are_listed_for_whom_they_mean_where_they_are(world: World, team: Team) -> None:
    first = said(team, "member", team.general, "@admintest one")
    said(team, "member", team.general, "@ownertest two")
    said(team, "member", team.general, "@here and @admintest three")
    said(team, "admin", team.general, "@channel four")
    assert mentioned(team, "admin") == ["@here and @admintest three", "@admintest one"]
    assert mentioned(team, "owner") == ["@channel four", "@here and @admintest three", "@ownertest two"]
    assert mentioned(team, "guest") == []
    world.post(f"/api/v1/channels/{team.general}/mark_unread", team["admin"], {"seq": first["seq"] + 1})
    assert mentioned(team, "admin", unread_only=True) == ["@here and @admintest three"]
    part = asked(team, "owner", "mentions", limit=2)
    rest = asked(team, "owner", "mentions", limit=2, cursor=part["next_cursor"])
    assert [one["text"] for one in part["data"] + rest["data"]] == mentioned(team, "owner")
    assert rest["next_cursor"] is None
    assert delete(team, "member", first["id"]) == 204
    assert mentioned(team, "admin") == ["@here and @admintest three"]
    secret = team.channel("owner", "secret", kind="private", member_ids=[str(team["admin"].id)])
    said(team, "owner", secret, "@admintest secret")
    assert mentioned(team, "admin")[0] == "@admintest secret"
    world.delete(f"/api/v1/channels/{secret}/members/{team['admin'].id}", team["owner"])
    assert mentioned(team, "admin") == ["@here and @admintest three"]


def test_a_thread_that_goes_while_they_are_listed_is_left_out(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention deletes a root between the statement that finds the threads and the one that shows them."""
    roots = [said(team, "member", team.general, text) for text in ("first", "second")]
    for root in roots:
        said(team, "owner", team.general, "reply", thread_root_id=root["id"])
    late = f"{store.BY_IDS.sql} AND m.id <> '{roots[1]['id']}'"
    monkeypatch.setattr(store, "BY_IDS", Query(store.BY_IDS.row, late))
    assert [one["root"]["text"] for one in asked(team, "member", "threads")["data"]] == ["first"]


def test_followed_threads_are_listed_by_their_latest_reply(world: World, team: Team) -> None:
    roots = [said(team, "member", team.general, f"root {n}") for n in range(3)]
    said(team, "member", team.general, "nobody answers")
    for number in (0, 2, 1, 0):
        said(team, "owner", team.general, f"re {number}", thread_root_id=roots[number]["id"])
    for number in range(3):
        said(team, "admin", team.general, f"@membertest {number}", thread_root_id=roots[0]["id"])
    listed = asked(team, "member", "threads")["data"]
    assert [one["root"]["text"] for one in listed] == ["root 0", "root 1", "root 2"]
    assert [(one["unread_count"], one["mention_count"]) for one in listed] == [(5, 3), (1, 0), (1, 0)]
    assert [one["text"] for one in listed[0]["last_replies"]] == [f"@membertest {n}" for n in range(3)]
    part = asked(team, "member", "threads", limit=2)
    rest = asked(team, "member", "threads", limit=2, cursor=part["next_cursor"])
    assert part["data"] + rest["data"] == listed and rest["next_cursor"] is None
    last = listed[0]["root"]["last_reply_seq"]
    world.post(f"/api/v1/messages/{roots[0]['id']}/mark_thread_read", team["member"], {"seq": last})
    new = asked(team, "member", "threads", unread_only=True)["data"]
    assert [one["root"]["text"] for one in new] == ["root 1", "root 2"]
    world.put(f"/api/v1/messages/{roots[1]['id']}/follow", team["member"], {"following": False})
    assert len(asked(team, "member", "threads")["data"]) == 2


def test_who_asks_and_in_how_many_queries(world: World, team: Team) -> None:
    paths = ("mentions", "threads")
    for path in paths:
        assert team.ask("GET", f"{team.path}/{path}") == {
            "owner": 200,
            "admin": 200,
            "member": 200,
            "guest": 200,
            "outsider": 404,
        }

    def talk() -> list[int]:
        root = said(team, "member", team.general, "@admintest")["id"]
        said(team, "member", team.general, "@admintest again", thread_root_id=root)
        found = []
        for path in paths:
            with counted(world) as seen:
                asked(team, "admin", path)
            found.append(len(seen))
        return found

    few = talk()
    talk()
    assert talk() == few
