"""Emoji of a workspace's own: who makes, sees and removes them."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from majlis.features.emoji import model
from majlis.features.membership import handlers
from majlis.kit import clock
from tests.features.media.uploads import jpeg
from tests.features.queries import counted
from tests.features.workspaces.team import Team
from tests.world import World


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


def make(team: Team, who: str, name: str = "bread", data: bytes | None = None, **form: Any) -> httpx.Response:
    files = {"file": ("a.jpg", jpeg() if data is None else data)}
    return team.request("POST", f"{team.path}/emoji", who, data={"name": name, **form}, files=files)


def alias(team: Team, who: str, name: str, of: str) -> httpx.Response:
    return team.request("POST", f"{team.path}/emoji", who, json={"name": name, "alias_of": of})


def listed(team: Team, who: str = "owner") -> list[Any]:
    answer = team.request("GET", f"{team.path}/emoji", who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def remove(team: Team, who: str, name: str) -> int:
    return team.request("DELETE", f"{team.path}/emoji/{name}", who).status_code


def uploads(team: Team) -> int:
    return len(team.world.sql("SELECT 1 FROM uploads"))


def test_everybody_sees_what_a_member_makes(team: Team) -> None:
    made = make(team, "member")
    assert made.status_code == 201, made.text
    body = made.json()
    assert {**body, "url": ""} == {
        "name": "bread", "url": "", "alias_of": None, "created_by": str(team["member"].id),
    }  # fmt: skip
    assert team.world.get("/" + body["url"].split("/", 3)[3]).status_code == 200
    for who in ("owner", "admin", "member", "guest"):
        assert listed(team, who) == [body]
    assert team.request("GET", f"{team.path}/emoji", "outsider").status_code == 404
    assert listed(Team(team.world)) == []


def test_who_may_make_one(team: Team) -> None:
    assert [make(team, who, who).status_code for who in ("owner", "admin", "member")] == [201] * 3
    assert (make(team, "guest").status_code, make(team, "outsider").status_code) == (403, 404)
    assert (alias(team, "guest", "x", "owner").status_code, len(listed(team))) == (403, 3)


def test_an_alias_has_the_picture_of_what_it_is_an_alias_of(team: Team) -> None:
    url = make(team, "member").json()["url"]
    assert alias(team, "member", "naan", "bread").json() == {
        "name": "naan", "url": url, "alias_of": "bread", "created_by": str(team["member"].id),
    }  # fmt: skip
    assert alias(team, "owner", "loaf", "naan").json()["alias_of"] == "bread"
    assert [one["name"] for one in listed(team)] == ["bread", "loaf", "naan"]
    assert remove(team, "member", "naan") == 204
    assert [one["url"] for one in listed(team)] == [url, url]
    assert remove(team, "member", "bread") == 204
    assert listed(team) == []


def test_who_may_remove_one(team: Team) -> None:
    for name in ("one", "two", "three"):
        make(team, "owner" if name == "three" else "member", name)
    assert (remove(team, "guest", "one"), remove(team, "outsider", "one")) == (403, 404)
    assert remove(team, "member", "three") == 403
    assert (remove(team, "member", "one"), remove(team, "admin", "two"), remove(team, "admin", "three")) == (
        204, 204, 204,
    )  # fmt: skip
    assert remove(team, "admin", "three") == 404


def test_the_picture_goes_with_the_emoji(team: Team) -> None:
    before = uploads(team)
    make(team, "member")
    assert uploads(team) == before + 1
    assert remove(team, "admin", "bread") == 204
    team.world.drain()
    assert uploads(team) == before


def test_the_pictures_go_with_the_workspace(team: Team) -> None:
    before = uploads(team)
    make(team, "member")
    alias(team, "member", "naan", "bread")
    body = {"confirm_slug": team.slug}
    assert team.request("DELETE", team.path, "owner", json=body).status_code == 202
    with clock.shifted(timedelta(days=31)):
        team.world.go(handlers.purge(team.world.app))
        team.world.drain()
    assert uploads(team) == before
    assert team.world.sql("SELECT 1 FROM workspace_emoji") == []


def test_a_name_is_taken_once_in_a_workspace(team: Team) -> None:
    make(team, "member")
    before = uploads(team)
    again = make(team, "owner")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")
    assert alias(team, "owner", "bread", "bread").status_code == 409
    assert uploads(team) == before
    assert make(Team(team.world), "owner").status_code == 201


@pytest.mark.parametrize("name", ["", "Bread", "two words", ":bread:", "نان", "x" * 65, "a\n"])
def test_bad_names_are_refused(team: Team, name: str) -> None:
    for answer in (make(team, "member", name), alias(team, "member", name, "bread")):
        assert answer.status_code == 422, answer.text
        assert [one["field"] for one in answer.json()["error"]["details"]] == ["name"]


def test_either_a_picture_or_an_alias(team: Team) -> None:
    make(team, "member")
    neither = team.request("POST", f"{team.path}/emoji", "member", json={"name": "naan"})
    both = make(team, "member", "naan", alias_of="bread")
    for answer in (neither, both):
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["error"]["details"]] == ["file", "alias_of"]
    unknown = alias(team, "member", "naan", "nothing")
    assert [one["field"] for one in unknown.json()["error"]["details"]] == ["alias_of"]
    sent = {"name": "naan", "alias_of": "bread", "url": "https://example.org/a.png"}
    assert team.request("POST", f"{team.path}/emoji", "member", json=sent).status_code == 422


def test_pictures_that_are_none_or_too_large(team: Team) -> None:
    before = uploads(team)
    assert make(team, "member", data=b"<svg onload=alert(1)>").status_code == 415
    assert make(team, "member", data=jpeg() + bytes(256 * 1024)).status_code == 413
    assert make(team, "member", data=bytes(600 * 1024)).status_code == 413
    assert (uploads(team), listed(team)) == (before, [])


def test_a_workspace_has_so_many(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("majlis.features.emoji.service.MAX_EMOJI", 2)
    make(team, "member")
    assert alias(team, "member", "naan", "bread").status_code == 201
    refused = alias(team, "member", "loaf", "bread")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many_emoji")
    assert model.MAX_EMOJI == 1000


def test_a_list_runs_as_many_statements_for_one_as_for_many(team: Team) -> None:
    counts = []
    make(team, "member")
    for name in ("naan", "loaf"):
        with counted(team.world) as seen:
            listed(team)
        counts.append(len(seen))
        alias(team, "member", name, "bread")
    assert counts[0] == counts[1]


def test_one_name_at_once_is_made_once(clone: World) -> None:
    team = Team(clone)
    assert make(team, "owner").status_code == 201

    async def all_at_once(names: list[str]) -> list[int]:
        path, auth = f"{team.path}/emoji", team["owner"].auth
        answers = await asyncio.gather(
            *(clone.http.post(path, json={"name": name, "alias_of": "bread"}, headers=auth) for name in names)
        )
        return sorted(answer.status_code for answer in answers)

    assert clone.go(all_at_once(["naan"] * 4)) == [201, 409, 409, 409]
    assert clone.go(all_at_once([f"n{number}" for number in range(4)])) == [201] * 4
